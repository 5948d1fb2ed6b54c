import type { Block, ListItem } from "./blocks.ts";
import type { Inline } from "./inline.ts";

/** Markdown as HTML for a document of its own. Nothing of the text becomes a tag by itself. */
export function toHtml(blocks: readonly Block[]): string {
  return blocks.map(blockHtml).join("\n");
}

/** Text as HTML, also inside an attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

function blockHtml(block: Block): string {
  switch (block.kind) {
    case "heading":
      return `<h${block.level}>${inlineHtml(block.content)}</h${block.level}>`;
    case "paragraph":
      return `<p>${inlineHtml(block.content)}</p>`;
    case "quote":
      return `<blockquote>${toHtml(block.blocks)}</blockquote>`;
    case "code":
      return `<pre><code>${escapeHtml(block.text)}</code></pre>`;
    case "rule":
      return "<hr>";
    case "list": {
      const tag = block.isOrdered ? "ol" : "ul";
      const start = block.isOrdered && block.start !== 1 ? ` start="${block.start}"` : "";
      return `<${tag}${start}>${block.items.map(itemHtml).join("")}</${tag}>`;
    }
    case "table": {
      const cell = (tag: string) => (content: Inline[], index: number) =>
        `<${tag} style="text-align: ${block.align[index] ?? "left"}">${inlineHtml(content)}</${tag}>`;
      const rows = block.rows.map((row) => `<tr>${row.map(cell("td")).join("")}</tr>`).join("");
      return `<table><thead><tr>${block.head.map(cell("th")).join("")}</tr></thead><tbody>${rows}</tbody></table>`;
    }
  }
}

function itemHtml({ isDone, blocks }: ListItem): string {
  const sign = isDone === null ? "" : isDone ? "☑ " : "☐ ";
  const [first, ...rest] = blocks;
  if (first?.kind !== "paragraph") return `<li>${sign}${toHtml(blocks)}</li>`;
  return `<li>${sign}${inlineHtml(first.content)}${toHtml(rest)}</li>`;
}

function inlineHtml(content: readonly Inline[]): string {
  return content.map(partHtml).join("");
}

function partHtml(part: Inline): string {
  switch (part.kind) {
    case "text":
      return escapeHtml(part.text);
    case "code":
      return `<code>${escapeHtml(part.text)}</code>`;
    case "strong":
      return `<strong>${inlineHtml(part.content)}</strong>`;
    case "emphasis":
      return `<em>${inlineHtml(part.content)}</em>`;
    case "struck":
      return `<s>${inlineHtml(part.content)}</s>`;
    case "link":
      return `<a href="${escapeHtml(part.href)}">${inlineHtml(part.content)}</a>`;
    case "action":
      return inlineHtml(part.content);
    case "image":
      return `<img src="${escapeHtml(part.source)}" alt="${escapeHtml(part.alt)}">`;
    case "break":
      return "<br>";
  }
}
