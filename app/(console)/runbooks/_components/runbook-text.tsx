import { type Block, type Runbook, readRuns } from "./runbook.ts";

/** A runbook to be read at 3 a.m.: the section that the address names stands out. */
export function RunbookText({ runbook }: { runbook: Runbook }) {
  return (
    <article className="max-w-3xl space-y-6 px-4 py-4">
      <Blocks blocks={runbook.intro} />
      {runbook.sections.map(({ title, blocks }) => (
        <section key={title} id={title} className="scroll-mt-4 space-y-2 border-l-2 border-transparent pl-3 target:border-accent">
          <h2 className="font-semibold">
            <a href={`#${title}`} className="name hover:underline">
              {title}
            </a>
          </h2>
          <Blocks blocks={blocks} />
        </section>
      ))}
    </article>
  );
}

function Blocks({ blocks }: { blocks: Block[] }) {
  return blocks.map((block) =>
    block.kind === "paragraph" ? (
      <p key={block.text}>
        <Runs text={block.text} />
      </p>
    ) : (
      <ol key={block.steps[0]} className="list-decimal space-y-1 pl-6">
        {block.steps.map((step) => (
          <li key={step}>
            <Runs text={step} />
          </li>
        ))}
      </ol>
    ),
  );
}

function Runs({ text }: { text: string }) {
  return readRuns(text).map((run) =>
    run.isCode ? (
      <code key={run.text} className="rounded-xs bg-sunken px-1 font-mono text-xs break-words">
        {run.text}
      </code>
    ) : (
      run.text
    ),
  );
}
