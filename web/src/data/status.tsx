// A connection's state in a word, a tone and a sign.
import type { Connection } from "../api/types";
import { Status } from "../ui/Bits";

export function ConnectionStatus({ connection }: { connection: Connection }) {
  switch (connection.status) {
    case "ready": return <Status tone="good">Ready</Status>;
    case "profiling": return <Status tone="busy">Reading tables</Status>;
    case "failed": return <Status tone="bad">Failed</Status>;
    default: return <Status tone="unknown">{connection.status}</Status>;
  }
}

const KIND_WORDS: Record<string, string> = { files: "Files", object_store: "Object store", postgres: "PostgreSQL" };

export const kindWords = (kind: Connection["kind"]): string => KIND_WORDS[kind] ?? kind;
