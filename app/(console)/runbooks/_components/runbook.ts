/** A piece of a runbook's text: a paragraph, or the steps of a list. */
export type Block = { kind: "paragraph"; text: string } | { kind: "steps"; steps: string[] };
export type Runbook = { title: string; intro: Block[]; sections: { title: string; blocks: Block[] }[] };
/** Words between backticks are code. */
export type Run = { text: string; isCode: boolean };

/** Reads a services/NAME/RUNBOOK.md: a title, then a section for each alert, of paragraphs and numbered steps. */
export function readRunbook(text: string): Runbook {
  const [head = "", ...rest] = text.split(/^## /m);
  const [title = "", ...intro] = head.replace(/^# /, "").split("\n");
  return {
    title: title.trim(),
    intro: readBlocks(intro.join("\n")),
    sections: rest.map((section) => {
      const [name = "", ...lines] = section.split("\n");
      return { title: name.trim(), blocks: readBlocks(lines.join("\n")) };
    }),
  };
}

export function readRuns(text: string): Run[] {
  return text
    .split("`")
    .map((part, index) => ({ text: part, isCode: index % 2 === 1 }))
    .filter((run) => run.text !== "");
}

function readBlocks(text: string): Block[] {
  const parts = text.split(/\n\s*\n/).filter((part) => part.trim() !== "");
  return parts.map((part) => {
    const steps = part.split(/^\d+\. /m);
    return steps.length > 1
      ? { kind: "steps", steps: steps.slice(1).map(joinLines) }
      : { kind: "paragraph", text: joinLines(part) };
  });
}

function joinLines(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, " ");
}
