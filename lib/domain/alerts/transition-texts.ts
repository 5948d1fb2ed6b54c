import type { Prisma } from "#lib/database/generated/client.ts";

type Told = { kind: string; by: string; detail: Prisma.JsonValue };

/** What a transition says, as a sentence for its line. */
export function describeTransition({ kind, by, detail }: Told): string {
  const read = (name: string) => readText(detail, name);
  switch (kind) {
    case "fired":
      return "It began to fire.";
    case "resolved":
      return by === "poll" ? "It was over when Alertmanager was asked; its end was not told." : "It ended.";
    case "moved-back":
      return `Its start moved back from ${read("from") ?? "?"} to ${read("to") ?? "?"}: another Alertmanager saw it earlier.`;
    case "corrected":
      return `Its ${read("field") === "endsAt" ? "end" : "start"} was corrected from ${read("from") ?? "?"} to ${read("to") ?? "?"}.`;
    case "reopened":
      return "It had not ended: it fires still.";
    case "merged":
      return "It was one with another episode that was told apart.";
    case "silenced":
      return `A silence hides it${listed(detail, "silences")}.`;
    case "unsilenced":
      return "No silence hides it any more.";
    case "inhibited":
      return "Another alert inhibits it.";
    case "uninhibited":
      return "No other alert inhibits it any more.";
    case "acknowledged":
      return withNote(`${by} acknowledged it`, read("note"));
    case "unacknowledged":
      return withNote(`${by} took the acknowledgement back`, read("note"));
    default:
      return kind;
  }
}

function withNote(sentence: string, note: string | null): string {
  return note ? `${sentence}: ${note}` : `${sentence}.`;
}

function readText(detail: Prisma.JsonValue, name: string): string | null {
  if (typeof detail !== "object" || detail === null || Array.isArray(detail)) return null;
  const value = detail[name];
  return typeof value === "string" ? value : null;
}

function listed(detail: Prisma.JsonValue, name: string): string {
  if (typeof detail !== "object" || detail === null || Array.isArray(detail)) return "";
  const value = detail[name];
  return Array.isArray(value) && value.length > 0 ? ` (${value.join(", ")})` : "";
}
