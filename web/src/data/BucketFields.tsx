// The fields of an object store: its address, and what the cloud that the address names needs besides.
import type { NewConnection } from "../api/types";
import { TextField } from "../ui/Field";

type Bucket = Extract<NewConnection, { kind: "object_store" }>;
type Detail = Exclude<keyof Bucket, "kind" | "name" | "url">;
export type BucketDetails = Partial<Record<Detail, string>>;

type Field = { name: Detail; label: string; secret?: true; placeholder?: string; help?: string };

const SERVER: Field = { name: "endpoint", label: "Server (optional)", placeholder: "https://minio.example.com:9000", help: "Only where it is not the cloud's own." };
const FIELDS: Record<string, Field[]> = {
  s3: [
    SERVER,
    { name: "region", label: "Region (optional)", placeholder: "us-east-1" },
    { name: "access_key_id", label: "Access key ID" },
    { name: "secret_access_key", label: "Secret access key", secret: true },
    { name: "session_token", label: "Session token (optional)", secret: true, help: "Only temporary keys have one." },
  ],
  gs: [
    SERVER,
    { name: "service_account_key", label: "Service account key", secret: true, help: "The content of its JSON key file." },
  ],
  az: [
    SERVER,
    { name: "account", label: "Storage account" },
    { name: "account_key", label: "Account key", secret: true },
    { name: "sas_token", label: "Or a shared access signature", secret: true },
  ],
};

const scheme = (url: string): string => /^([a-z0-9]+):\/\//.exec(url.trim())?.[1] ?? "";
const fieldsOf = (url: string): Field[] => FIELDS[scheme(url) === "abfss" ? "az" : scheme(url)] ?? [];

export const isBucket = (url: string): boolean => fieldsOf(url).length > 0;

/** The filled fields that the address has a use for: those of a cloud that was typed first are not sent. */
export function bucketBody(name: string, url: string, details: BucketDetails): Bucket {
  const filled = fieldsOf(url).flatMap((field) => {
    const value = details[field.name]?.trim();
    return value ? [[field.name, value] as const] : [];
  });
  return { kind: "object_store", name, url: url.trim(), ...Object.fromEntries(filled) };
}

type Props = { url: string; onUrl: (url: string) => void; details: BucketDetails; onDetails: (next: BucketDetails) => void; error: string | null };

export function BucketFields({ url, onUrl, details, onDetails, error }: Props) {
  const fields = fieldsOf(url);
  return (
    <>
      <TextField label="Address" className="input input-code" value={url} onChange={(event) => onUrl(event.target.value)} error={error} placeholder="s3://bucket/folder" help="s3://, gs:// or az://. Each Parquet, CSV or JSON object there, or folder of like ones, becomes a table." />
      {fields.map((field) => (
        <TextField key={field.name} label={field.label} className="input input-code" autoComplete="off" type={field.secret ? "password" : "text"} value={details[field.name] ?? ""} onChange={(event) => onDetails({ ...details, [field.name]: event.target.value })} placeholder={field.placeholder} help={field.help} />
      ))}
      {fields.length > 0 ? <p className="hint">Keys that may only read are enough; they are sealed when they are stored and never shown again. A public bucket needs none.</p> : null}
    </>
  );
}
