// Colours SQL for reading: cuts it into pieces that can be styled, never changes a character. Pure; tested by tests/unit.

export type SqlPiece = { kind: "keyword" | "string" | "number" | "comment" | "function" | "plain"; text: string };

const KEYWORDS = new Set(
  ("select from where group by order having limit offset as on join inner left right full outer cross union all except " +
    "intersect distinct case when then else end and or not in is null like ilike between exists with recursive over " +
    "partition rows range asc desc nulls first last filter cast interval date timestamp true false using values extract").split(" "),
);
const TOKEN = /(--[^\n]*|\/\*[\s\S]*?\*\/)|('(?:[^']|'')*')|("(?:[^"]|"")*")|(\b\d+(?:\.\d+)?(?:e[+-]?\d+)?\b)|([A-Za-z_][A-Za-z0-9_]*)/gi;

export function highlight(sql: string): SqlPiece[] {
  const pieces: SqlPiece[] = [];
  const plain = (text: string): void => {
    const last = pieces.at(-1);
    if (last?.kind === "plain") last.text += text;
    else if (text) pieces.push({ kind: "plain", text });
  };
  let at = 0;
  for (const match of sql.matchAll(TOKEN)) {
    plain(sql.slice(at, match.index));
    at = match.index + match[0].length;
    const kind = kindOf(match, sql.slice(at));
    if (kind === "plain") plain(match[0]);
    else pieces.push({ kind, text: match[0] });
  }
  plain(sql.slice(at));
  return pieces;
}

function kindOf(match: RegExpMatchArray, rest: string): SqlPiece["kind"] {
  const [, comment, string, , number, word] = match;
  if (comment) return "comment";
  if (string) return "string";
  if (number) return "number";
  if (word && KEYWORDS.has(word.toLowerCase())) return "keyword";
  return word && rest.startsWith("(") ? "function" : "plain";
}
