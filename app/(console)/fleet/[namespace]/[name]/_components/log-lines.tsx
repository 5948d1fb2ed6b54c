"use client";
import { useVirtualizer } from "@tanstack/react-virtual";
import { Fragment, useEffect, useRef } from "react";
import type { LogLevel, LogLine } from "#lib/client/logs.ts";
import { formatAbsolute, formatClockMs } from "#lib/client/time.ts";
import { cn } from "../../../../../ui/class-names.ts";

const levelColors: Record<LogLevel, string> = {
  trace: "text-ink-3",
  debug: "text-ink-3",
  info: "text-accent",
  warn: "text-warn",
  error: "text-bad",
  fatal: "text-bad",
};

/** The lines in sight of a long log. Stays at the end until the reader scrolls away. */
export function LogLines(props: {
  lines: LogLine[];
  pods: string[];
  wrap: boolean;
  find: string;
  isAtEnd: boolean;
  onAtEnd: (isAtEnd: boolean) => void;
}) {
  const { lines, pods, wrap, find, isAtEnd, onAtEnd } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 20,
    overscan: 30,
    getItemKey: (index) => lines[index]?.id ?? index,
  });
  const lastId = lines.at(-1)?.id;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new last line moves the end
  useEffect(() => {
    if (isAtEnd && lines.length > 0) virtualizer.scrollToIndex(lines.length - 1, { align: "end" });
  }, [lastId, isAtEnd, wrap, lines.length]);

  return (
    <div
      ref={scroller}
      role="log"
      aria-label="Log lines"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: scrolled by keyboard
      tabIndex={0}
      onWheel={(event) => event.deltaY < 0 && onAtEnd(false)}
      onKeyDown={(event) => ["ArrowUp", "PageUp", "Home"].includes(event.key) && onAtEnd(false)}
      onScroll={(event) => {
        const box = event.currentTarget;
        if (box.scrollHeight - box.scrollTop - box.clientHeight < 8) onAtEnd(true);
      }}
      onTouchMove={() => onAtEnd(false)}
      className="scroll-thin absolute inset-0 overflow-auto py-1 font-mono text-xs leading-5"
    >
      <div className="relative min-w-full" style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map((item) => {
          const line = lines[item.index];
          if (!line) return null;
          return (
            <div
              key={item.key}
              ref={virtualizer.measureElement}
              data-index={item.index}
              className={cn(
                "absolute left-0 top-0 flex min-w-full gap-2.5 px-4 hover:bg-hover",
                wrap ? "w-full" : "w-max whitespace-pre",
                (line.level === "error" || line.level === "fatal") && "bg-bad-soft",
              )}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <Line line={line} wrap={wrap} find={find} pod={Math.max(0, pods.indexOf(line.pod))} showPod={pods.length > 1} />
            </div>
          );
        })}
      </div>
    </div>
  );
}

function Line({ line, wrap, find, pod, showPod }: { line: LogLine; wrap: boolean; find: string; pod: number; showPod: boolean }) {
  return (
    <>
      <span className="w-0.5 shrink-0 self-stretch rounded-full" style={{ background: `var(--series-${(pod % 8) + 1})` }} />
      <time dateTime={line.at} title={formatAbsolute(line.at)} className="shrink-0 text-ink-3">
        {formatClockMs(line.at)}
      </time>
      {showPod && (
        <span title={line.pod} className="shrink-0 max-md:hidden" style={{ color: `var(--series-${(pod % 8) + 1})` }}>
          {line.pod.split("-").slice(-1)[0]}
        </span>
      )}
      {line.level && <span className={cn("w-10 shrink-0 font-medium uppercase", levelColors[line.level])}>{line.level}</span>}
      <span className={cn("min-w-0", wrap && "whitespace-pre-wrap break-words", line.isError && "text-bad")}>
        <Marked text={line.message} find={find} />
        {line.fields.map(([name, value]) => (
          <Fragment key={name}>
            {"  "}
            <span className="text-ink-3">{name}=</span>
            <span className="text-ink-2">
              <Marked text={value} find={find} />
            </span>
          </Fragment>
        ))}
      </span>
    </>
  );
}

/** Text with what is searched for marked in it. */
function Marked({ text, find }: { text: string; find: string }) {
  if (find === "") return text;
  const parts: { text: string; at: number; found: boolean }[] = [];
  const lower = text.toLowerCase();
  const wanted = find.toLowerCase();
  let at = 0;
  for (let hit = lower.indexOf(wanted); hit >= 0; hit = lower.indexOf(wanted, at)) {
    if (hit > at) parts.push({ text: text.slice(at, hit), at, found: false });
    parts.push({ text: text.slice(hit, hit + wanted.length), at: hit, found: true });
    at = hit + wanted.length;
  }
  if (at < text.length) parts.push({ text: text.slice(at), at, found: false });
  return parts.map((part) =>
    part.found ? (
      <mark key={part.at} className="rounded-xs bg-warn-fill/40 text-ink">
        {part.text}
      </mark>
    ) : (
      <span key={part.at}>{part.text}</span>
    ),
  );
}
