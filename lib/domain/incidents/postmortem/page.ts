import { readMarkdown } from "../../markdown/blocks.ts";
import { escapeHtml, toHtml } from "../../markdown/html.ts";
import { formatUtc } from "../../times.ts";
import { incidentName } from "../incident-name.ts";
import { drawPicture, type Picture } from "./chart-picture.ts";
import type { Part } from "./document.ts";
import { isWritten } from "./facts-markdown.ts";
import type { PostmortemFacts } from "./schemas.ts";

type Drawn = {
  facts: PostmortemFacts;
  charts: readonly Picture[];
  /** Pictures by the address that the text knows them by, each as an address that holds it. */
  pictures: ReadonlyMap<string, string>;
  /** Where Switchyard is. */
  base: string;
  nonce: string;
};

/** The document as a page of HTML that needs nothing from elsewhere. */
export function pageOf(parts: readonly Part[], drawn: Drawn): string {
  const { facts, charts, nonce } = drawn;
  const body = parts.map((part) => {
    if ("chart" in part) return figureOf(charts[part.chart]);
    return part.isTimeline ? timelineOf(facts) + moreRows(part.markdown) : toHtml(readMarkdown(part.markdown));
  });
  const title = `${incidentName(facts)}: ${facts.title}`;
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta http-equiv="content-security-policy" content="${policy}"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title><style nonce="${escapeHtml(nonce)}">${style}</style></head>
<body>
${withAddresses(body.join("\n"), drawn)}
</body>
</html>
`;
}

function figureOf(chart: Picture | undefined): string {
  return chart ? `<figure>\n${drawPicture(chart)}\n<figcaption>${escapeHtml(chart.caption)}</figcaption>\n</figure>` : "";
}

/** What people wrote in the timeline is shown as they meant it, lists and pictures too. */
function timelineOf({ timeline }: PostmortemFacts): string {
  if (timeline.length === 0) return "<h2>Timeline</h2>\n<p>Nothing was recorded.</p>";
  const rows = timeline.map((row) => {
    const { at, message, by, href } = row;
    const words = isWritten(row) ? toHtml(readMarkdown(message)) : escapeHtml(message);
    const chart = href === null ? "" : `<a href="${escapeHtml(href)}">chart</a>`;
    return `<tr><td class="when">${formatUtc(at)}</td><td>${words}</td><td class="who">${escapeHtml(by)}</td><td class="who">${chart}</td></tr>`;
  });
  return `<h2>Timeline</h2>\n<table><thead><tr><th>When</th><th>What</th><th>Who</th><th>Data</th></tr></thead><tbody>${rows.join("\n")}</tbody></table>`;
}

/** What stands below the table in the Markdown: how many rows are left out. */
function moreRows(markdown: string): string {
  const last = markdown.split("\n").at(-1) ?? "";
  return last.includes(" more rows are in ") ? toHtml(readMarkdown(last)) : "";
}

/** Attributes are escaped, so that these can stand nowhere but in a tag. */
function withAddresses(html: string, { pictures, base }: Drawn): string {
  return html
    .replaceAll(/ src="(\/[^"]*)"/g, (all, address: string) => {
      const held = pictures.get(address);
      return held ? ` src="${held}"` : all;
    })
    .replaceAll(/ href="\/(?!\/)/g, ` href="${escapeHtml(base)}/`);
}

/** Only what the page itself has is shown, also from a disk: no scripts, nothing from elsewhere. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

const style = `
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1d21; background: #fff; max-width: 46rem; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #d5d9de; } h3 { font-size: 1rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #e3e6ea; padding: 0.25rem 0.5rem 0.25rem 0; vertical-align: top; text-align: left; overflow-wrap: anywhere; }
th:empty { padding: 0; } td > :first-child { margin-top: 0; } td > :last-child { margin-bottom: 0; } .when { min-width: 6.5rem; } .who { max-width: 10rem; overflow-wrap: break-word; }
th:last-child, td.who { white-space: nowrap; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.85em; } pre { background: #f4f5f7; padding: 0.75rem; overflow-x: auto; }
blockquote { border-left: 3px solid #b3261e; margin-left: 0; padding-left: 1rem; } img { max-width: 100%; }
a { color: #1f5fbf; } figure { margin: 1.5rem 0; } figcaption { font-size: 0.8rem; color: #5b6470; } svg { width: 100%; height: auto; }
@media print { body { max-width: none; margin: 0; padding: 0; font-size: 11pt; } a { color: inherit; } h1, h2, h3 { break-after: avoid; } tr, figure { break-inside: avoid; } thead { display: table-header-group; } }
@page { margin: 18mm; }
`;
