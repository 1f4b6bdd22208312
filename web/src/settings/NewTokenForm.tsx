// Makes a token and shows its secret once.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api, expect } from "../api/client";
import type { IssuedToken, NewToken, Role } from "../api/types";
import { Button, CopyButton } from "../ui/Button";
import { SelectField, TextField } from "../ui/Field";
import { Failure, Note } from "../ui/States";

const ROLES: { role: Role; may: string }[] = [
  { role: "viewer", may: "reads what others asked" },
  { role: "member", may: "asks questions" },
  { role: "operator", may: "also changes connections and meaning" },
  { role: "admin", may: "also manages tokens, tenants and reads the audit" },
];
const DAYS = [7, 30, 90, 365];

export function NewTokenForm({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const [subject, setSubject] = useState("");
  const [role, setRole] = useState<Role>("member");
  const [days, setDays] = useState("90");
  const [missing, setMissing] = useState(false);
  const make = useMutation({
    mutationFn: (body: NewToken) => expect(api.POST("/api/v1/tokens", { body })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["tokens"] }),
  });
  if (make.data) return <Secret token={make.data} onClose={onClose} />;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setMissing(subject.trim() === "");
    if (subject.trim()) make.mutate({ subject: subject.trim(), role, ...(days ? { expires_in_days: Number(days) } : {}) });
  };
  return (
    <form className="dialog-form" onSubmit={submit} noValidate>
      <TextField label="Subject" placeholder="ada@example.com or nightly-report" value={subject} onChange={(event) => setSubject(event.target.value)} error={missing ? "Say who or what will hold it." : null} help="The person or service that will hold it; it stands beside everything they do." />
      <SelectField label="Role" value={role} onChange={(event) => setRole(event.target.value as Role)}>
        {ROLES.map((one) => <option key={one.role} value={one.role}>{`${one.role} – ${one.may}`}</option>)}
      </SelectField>
      <SelectField label="Expires" value={days} onChange={(event) => setDays(event.target.value)}>
        {DAYS.map((count) => <option key={count} value={count}>{`in ${count} days`}</option>)}
        <option value="">never</option>
      </SelectField>
      {make.isError ? <Failure error={make.error} what="No token was made" /> : null}
      <div className="dialog-foot"><Button onClick={onClose}>Cancel</Button><Button look="primary" type="submit" busy={make.isPending}>Make the token</Button></div>
    </form>
  );
}

function Secret({ token, onClose }: { token: IssuedToken; onClose: () => void }) {
  return (
    <div className="dialog-form">
      <Note tone="good" icon="check"><p><strong>The token of {token.subject} is ready.</strong> Copy it now: it is not stored and cannot be shown again.</p></Note>
      <div className="secret"><code>{token.token}</code><CopyButton text={token.token} label="Copy token" look="default" /></div>
      <div className="dialog-foot"><Button look="primary" onClick={onClose}>I have it</Button></div>
    </div>
  );
}
