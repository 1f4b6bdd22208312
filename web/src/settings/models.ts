// Providers of models and prompts in words. Pure; tested by tests/unit.
import type { Prompt, PromptMove, Provider } from "../api/types";
import type { Tone } from "../ui/Bits";

/** The languages that providers speak, the commonest first. */
export const WIRES: { wire: string; name: string }[] = [
  { wire: "openai", name: "OpenAI" },
  { wire: "anthropic", name: "Anthropic" },
  { wire: "gemini", name: "Gemini" },
  { wire: "openai_responses", name: "OpenAI, responses" },
  { wire: "openai_compatible", name: "Like OpenAI" },
];

export const wireName = (wire: string): string => WIRES.find((one) => one.wire === wire)?.name ?? wire;

/** "gpt-4o-mini, small as gpt-4o-mini"; what stands for any, and for none, in words. */
export function modelsInWords(models: Record<string, string>): string {
  const each = Object.entries(models).map(([asked, there]) => {
    if (asked === "*") return "any model";
    const name = asked === "default" ? "where none is named" : asked;
    return asked === there ? name : `${name}: ${there}`;
  });
  return each.length > 0 ? each.join(", ") : "none";
}

/** How a provider stands: what its breakers say, the worst first. */
export function standing(provider: Pick<Provider, "breakers">): { tone: Tone; words: string } {
  const of = (state: string): string[] => Object.entries(provider.breakers).filter(([, is]) => is === state).map(([model]) => model);
  const [open, half] = [of("open"), of("half_open")];
  if (open.length > 0) return { tone: "bad", words: `Left alone: ${open.join(", ")}` };
  if (half.length > 0) return { tone: "warn", words: `Tried again: ${half.join(", ")}` };
  return Object.keys(provider.breakers).length > 0 ? { tone: "good", words: "Answers" } : { tone: "unknown", words: "Not asked yet" };
}

/** What a field of models says: names apart by commas or line breaks, `asked=there` where they differ; any where it is empty. */
export function modelsOf(text: string): Record<string, string> | null {
  const parts = text.split(/[,\n]/).map((part) => part.trim()).filter(Boolean);
  if (parts.length === 0) return null;
  return Object.fromEntries(parts.map((part) => {
    const [asked = "", there] = part.split("=").map((name) => name.trim());
    return [asked, there ?? asked];
  }));
}

/** The same as a field shows it. */
export const modelsText = (models: Record<string, string>): string =>
  Object.entries(models).filter(([asked]) => asked !== "*" || Object.keys(models).length > 1).map(([asked, there]) => (asked === there ? asked : `${asked}=${there}`)).join(", ");

/** The dollars that a field says; undefined where it is no amount. */
export function usdOf(text: string): number | undefined {
  const plain = text.trim().replace(/^\$/, "");
  return /^\d+(\.\d+)?$/.test(plain) ? Number(plain) : undefined;
}

/** The price of a million tokens, to its last digit. */
export const perMillion = (usd: number): string => `$${usd.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 6 })}`;

const SOURCES: Record<string, string> = { built_in: "built in", file: "from the file", tenant: "your own" };

export const sourceInWords = (source: string): string => SOURCES[source] ?? source;

/** "for 10 in 100 questions 3f2a…"; none where there is no canary. */
export const canaryOf = (prompt: Pick<Prompt, "labels">): PromptMove | null =>
  prompt.labels.find((label) => label.label === "canary" && label.hash !== null && label.percent > 0) ?? null;
