import Link from "next/link";
import { Fragment, type ReactNode, useMemo } from "react";
import { type Align, type Block, type ListItem, readMarkdown } from "#lib/domain/markdown/blocks.ts";
import type { Inline } from "#lib/domain/markdown/inline.ts";
import { cn } from "./class-names.ts";

/** Draws a link, also one that is an action; null draws it as usual, which is an action's words. */
export type DrawLink = (href: string, words: ReactNode) => ReactNode | null;

/** How a text is drawn: the level of its first headings, and what to make of its links. */
type Look = { topLevel: number; link?: DrawLink };

/** Text that people wrote, as Markdown. Headings begin at the level that fits into the page around it. */
export function Markdown({
  text,
  topLevel = 2,
  link,
  className,
}: {
  text: string;
  topLevel?: 1 | 2 | 3 | 4;
  link?: DrawLink;
  className?: string;
}) {
  const blocks = useMemo(() => readMarkdown(text), [text]);
  return <MarkdownBlocks blocks={blocks} topLevel={topLevel} link={link} className={className} />;
}

/** A part of a text that was read before. */
export function MarkdownBlocks({ blocks, topLevel, link, className }: Look & { blocks: readonly Block[]; className?: string }) {
  return <div className={cn("space-y-2 break-words", className)}>{drawBlocks(blocks, { topLevel, link })}</div>;
}

function drawBlocks(blocks: readonly Block[], look: Look): ReactNode {
  return keyed(blocks, (block) => drawBlock(block, look));
}

function drawBlock(block: Block, look: Look): ReactNode {
  switch (block.kind) {
    case "heading":
      return <Heading level={Math.min(6, block.level - 1 + look.topLevel)}>{drawInline(block.content, look)}</Heading>;
    case "paragraph":
      return <p>{drawInline(block.content, look)}</p>;
    case "quote":
      return <blockquote className="space-y-2 border-l-2 pl-3 text-ink-2">{drawBlocks(block.blocks, look)}</blockquote>;
    case "code":
      return <pre className="scroll-thin overflow-x-auto rounded-md bg-sunken px-3 py-2 font-mono text-xs">{block.text}</pre>;
    case "rule":
      return <hr className="border-t" />;
    case "list": {
      const items = keyed(block.items, (item) => <Item item={item} look={look} />);
      return block.isOrdered ? (
        <ol start={block.start} className="list-decimal space-y-1 pl-6">
          {items}
        </ol>
      ) : (
        <ul className="list-disc space-y-1 pl-6">{items}</ul>
      );
    }
    case "table":
      return <Table {...block} look={look} />;
  }
}

function Heading({ level, children }: { level: number; children: ReactNode }) {
  const Tag = `h${level}` as "h1" | "h2" | "h3" | "h4" | "h5" | "h6";
  return <Tag className={cn("pt-2 font-semibold first:pt-0", level <= 2 && "text-base")}>{children}</Tag>;
}

function Item({ item: { isDone, blocks }, look }: { item: ListItem; look: Look }) {
  const [first, ...rest] = blocks;
  const isTight = first?.kind === "paragraph";
  return (
    <li className={cn(isDone !== null && "-ml-5 list-none")}>
      {isDone !== null && (
        <input
          type="checkbox"
          checked={isDone}
          readOnly
          disabled
          aria-label={isDone ? "Done" : "Open"}
          className="mr-2 align-middle"
        />
      )}
      {isTight ? drawInline(first.content, look) : null}
      {drawBlocks(isTight ? rest : blocks, look)}
    </li>
  );
}

const alignment: Record<Align, string> = { left: "text-left", right: "text-right", center: "text-center" };

function Table({ head, align, rows, look }: Extract<Block, { kind: "table" }> & { look: Look }) {
  const cellLook = (column: number) => cn("border-b px-2 py-1 align-top", alignment[align[column] ?? "left"]);
  return (
    <div className="scroll-thin overflow-x-auto">
      <table className="min-w-full border-collapse tabular-nums">
        <thead className="text-xs text-ink-3">
          <tr>
            {keyed(head, (cell, column) => (
              <th className={cn(cellLook(column), "font-medium")}>{drawInline(cell, look)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {keyed(rows, (row) => (
            <tr>
              {keyed(row, (cell, column) => (
                <td className={cellLook(column)}>{drawInline(cell, look)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function drawInline(content: readonly Inline[], look: Look): ReactNode {
  return keyed(content, (part) => drawPart(part, look));
}

function drawPart(part: Inline, look: Look): ReactNode {
  switch (part.kind) {
    case "text":
      return part.text;
    case "code":
      return <code className="rounded-xs bg-sunken px-1 font-mono text-xs break-words">{part.text}</code>;
    case "strong":
      return <strong className="font-semibold">{drawInline(part.content, look)}</strong>;
    case "emphasis":
      return <em>{drawInline(part.content, look)}</em>;
    case "struck":
      return <s>{drawInline(part.content, look)}</s>;
    case "image":
      // biome-ignore lint/performance/noImgElement: the picture is inside the text, there is nothing to fetch or to resize.
      return <img src={part.source} alt={part.alt} className="max-w-full rounded-md border" />;
    case "break":
      return <br />;
    case "action":
    case "link": {
      const words = drawInline(part.content, look);
      return look.link?.(part.href, words) ?? (part.kind === "link" ? <Anchor href={part.href}>{words}</Anchor> : words);
    }
  }
}

function Anchor({ href, children }: { href: string; children: ReactNode }) {
  const className = "text-accent hover:underline";
  if (href.startsWith("/")) {
    return (
      <Link href={href} className={className}>
        {children}
      </Link>
    );
  }
  return (
    <a href={href} rel="noopener noreferrer" target={href.startsWith("#") ? undefined : "_blank"} className={className}>
      {children}
    </a>
  );
}

/** Parts of a text have no identity but their place. */
function keyed<T>(parts: readonly T[], draw: (part: T, place: number) => ReactNode): ReactNode {
  return parts.map((part, place) => {
    const key = `${place}`;
    return <Fragment key={key}>{draw(part, place)}</Fragment>;
  });
}
