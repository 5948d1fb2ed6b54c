import { authorise, type Context, translateDatabaseErrors } from "../../context.ts";
import { readMarkdown } from "../../markdown/blocks.ts";
import { escapeHtml, toHtml } from "../../markdown/html.ts";
import { parseId, parseInput } from "../../validation.ts";
import { type ItemView, itemTypeInfos } from "../action-items/schemas.ts";
import { itemParts, viewItem } from "../action-items/stored.ts";
import type { Recovery } from "../schemas.ts";
import { drawRecovery } from "./recovery-chart.ts";
import { exportSchema, type PostmortemState } from "./schemas.ts";
import { noSuchPostmortem } from "./stored.ts";

/** A postmortem as a file to keep. */
export type ExportedPostmortem = { name: string; type: "text/markdown" | "text/html"; text: string };

/**
 * The postmortem with its action items, as Markdown or as a page of HTML that prints well and asks nobody for anything. `nonce` is
 * what the answer's Content-Security-Policy wants of its style.
 */
export async function exportPostmortem(
  context: Context,
  id: string,
  { input, baseUrl, nonce = "" }: { input: unknown; baseUrl: string; nonce?: string },
): Promise<ExportedPostmortem> {
  authorise(context, "viewer", "see postmortems");
  const { format } = parseInput(exportSchema, input);
  const incidentId = parseId(id, "incident");
  const row = await translateDatabaseErrors(() =>
    context.db.postmortem.findUnique({
      where: { incidentId },
      include: { incident: { include: { actionItems: { include: itemParts, orderBy: { number: "asc" } } } } },
    }),
  );
  if (!row) throw noSuchPostmortem();
  const { incident, state, version, updatedAt, publishedAt } = row;
  const now = context.clock();
  const name = `postmortem-INC-${incident.number}`;
  const items = incident.actionItems.map((item) => viewItem(item, now));
  const text = withAddresses(withItems(row.text, items), baseUrl);
  const note = `INC-${incident.number}, version ${version}, ${standing(state as PostmortemState, publishedAt)}. Last written ${minute(updatedAt)}, exported ${minute(now)}.`;
  if (format === "markdown") return { name: `${name}.md`, type: "text/markdown", text: `${text.trimEnd()}\n\n---\n\n${note}\n` };
  const recovery = incident.recovery as Recovery | null;
  const html = page(`INC-${incident.number}: ${incident.title}`, {
    body: toHtml(readMarkdown(text)),
    chart: recovery ? drawRecovery(recovery) : "",
    note,
    nonce,
  });
  return { name: `${name}.html`, type: "text/html", text: html };
}

/** The text with links that lead to Switchyard from anywhere. */
export function withAddresses(text: string, baseUrl: string): string {
  return text.replaceAll(/\]\(\/(?!\/)/g, `](${baseUrl.replace(/\/+$/, "")}/`);
}

/** The text with the action items below the heading that is theirs, else at its end. */
export function withItems(text: string, items: readonly ItemView[]): string {
  const lines = text.split("\n");
  const heading = lines.findIndex((line) => /^##\s+action items\s*#*$/i.test(line.trim()));
  const table = itemTable(items);
  if (heading < 0) return [...lines, "", "## Action items", "", ...table].join("\n");
  const next = lines.findIndex((line, index) => index > heading && /^#{1,2}\s/.test(line));
  const own = lines.slice(heading + 1, next < 0 ? undefined : next).filter((line) => !isDraftLine(line));
  const rest = next < 0 ? [] : lines.slice(next);
  return [...lines.slice(0, heading + 1), ...trimBlank(own), "", ...table, "", ...rest].join("\n");
}

/** What the draft says in the place of the items. */
const isDraftLine = (line: string) => line.startsWith("Kept with the incident, with owner, date and proof");

function trimBlank(lines: string[]): string[] {
  const last = lines.findLastIndex((line) => line.trim() !== "");
  return lines.slice(0, last + 1);
}

function itemTable(items: readonly ItemView[]): string[] {
  if (items.length === 0) return ["None."];
  const cell = (value: string) => value.replace(/\s+/g, " ").replaceAll("|", "\\|");
  return [
    "| Item | What | Type | Owner | Due | State |",
    "|---|---|---|---|---|---|",
    ...items.map(({ number, title, type, owner, dueOn, link, ...item }) => {
      const what = link === null ? cell(title) : `[${cell(title).replace(/[[\]]/g, "\\$&")}](${link})`;
      return `| AI-${number} | ${what} | ${itemTypeInfos[type].title} | ${cell(owner)} | ${dueOn} | ${cell(itemStanding(item))} |`;
    }),
  ];
}

function itemStanding({
  state,
  isOverdue,
  proof,
  proofResult,
  overrideReason,
}: Pick<ItemView, "state" | "isOverdue" | "proof" | "proofResult" | "overrideReason">) {
  if (state === "open") return isOverdue ? "overdue" : "open";
  if (overrideReason !== null) return `done, unproven: ${overrideReason}`;
  return proof && proofResult?.verdict === "passed" ? "done, proven" : "done";
}

function standing(state: PostmortemState, publishedAt: Date | null): string {
  if (state === "published" && publishedAt) return `published ${minute(publishedAt)}`;
  return state === "review" ? "in review" : "a draft";
}

const minute = (at: Date) => `${at.toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** Only what the page itself has is shown: no scripts, nothing from elsewhere. */
export const exportPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

const style = `
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1d21; background: #fff; max-width: 46rem; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #d5d9de; } h3 { font-size: 1rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #e3e6ea; padding: 0.25rem 0.5rem 0.25rem 0; vertical-align: top; overflow-wrap: anywhere; }
th:empty { padding: 0; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.85em; } pre { background: #f4f5f7; padding: 0.75rem; overflow-x: auto; }
blockquote { border-left: 3px solid #b3261e; margin-left: 0; padding-left: 1rem; }
a { color: #1f5fbf; } figure { margin: 1.5rem 0; } figcaption, footer { font-size: 0.8rem; color: #5b6470; } svg { width: 100%; height: auto; }
@media print { body { max-width: none; margin: 0; padding: 0; font-size: 11pt; } a { color: inherit; } h1, h2, h3 { break-after: avoid; } tr, figure { break-inside: avoid; } thead { display: table-header-group; } }
@page { margin: 18mm; }
`;

function page(title: string, { body, chart, note, nonce }: Record<"body" | "chart" | "note" | "nonce", string>): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title><style nonce="${escapeHtml(nonce)}">${style}</style></head>
<body>
${body}
${chart}
<footer><p>${escapeHtml(note)}</p></footer>
</body>
</html>
`;
}
