"use client";
import { ArrowDownToLine, Pause, Play, WrapText } from "lucide-react";
import { useMemo, useState } from "react";
import { countOf } from "#lib/client/numbers.ts";
import { describeRange, type TimeRange } from "#lib/client/time-range.ts";
import type { Instance } from "#lib/domain/fleet/schemas.ts";
import { Button } from "../../../../../ui/button.tsx";
import { FilterMenu } from "../../../../../ui/filter-menu.tsx";
import { Empty, ErrorNotice } from "../../../../../ui/notices.tsx";
import { SearchField } from "../../../../../ui/search-field.tsx";
import { useUrlState } from "../../../../../ui/use-url-state.ts";
import { LogLines } from "./log-lines.tsx";
import { keptLines, useLogs } from "./use-logs.ts";

const mostPods = 8;
const tailLines = 500;

type Properties = { id: string; instances: Instance[]; range: TimeRange };

export function LogsTab({ id, instances, range }: Properties) {
  const [search, setSearch] = useUrlState();
  // Instances that come and go must not start the reading over: without a choice in the address, the first ones stay chosen.
  const [atFirst] = useState(() => instances.slice(0, mostPods).map((instance) => instance.name));
  const named = search.get("pods")?.split(",").filter(Boolean) ?? [];
  const pods = named.length > 0 ? named : atFirst;
  const follow = search.get("follow") !== "false";
  const previous = search.get("previous") === "true";
  const text = search.get("find") ?? "";
  const [isPaused, setPaused] = useState(false);
  const [isAtEnd, setAtEnd] = useState(true);
  const [wrap, setWrap] = useState(false);
  const logs = useLogs({ id, pods, follow: follow && !previous, previous, tail: tailLines }, isPaused);
  const lines = useMemo(() => {
    const words = text.toLowerCase();
    return words === ""
      ? logs.ring.lines
      : logs.ring.lines.filter((line) => line.raw.toLowerCase().includes(words) || line.pod.includes(words));
  }, [logs.ring.lines, text]);
  const options = [...new Set([...instances.map((instance) => instance.name), ...pods])].map((name) => ({
    value: name,
    label: <span className="font-mono text-xs">{name}</span>,
  }));

  return (
    <div className="flex h-[calc(100dvh-3rem)] min-h-80 flex-col md:h-[calc(100dvh-6rem)]">
      <div className="flex min-h-10 flex-wrap items-center gap-2 border-b px-4 py-1.5">
        <FilterMenu
          label="Instances"
          quiet
          options={options}
          selected={pods}
          onChange={(next) => setSearch({ pods: next.slice(0, mostPods).join(",") || null })}
        />
        <SearchField label="Search in these lines" value={text} onChange={(next) => setSearch({ find: next || null })} />
        <Toggle
          label="Follow"
          isOn={follow && !previous}
          onToggle={() => setSearch({ follow: follow ? "false" : null, previous: null })}
        />
        <Toggle
          label="Previous"
          isOn={previous}
          onToggle={() => setSearch({ previous: previous ? null : "true" })}
          tooltip="The container before the last restart"
        />
        <Button
          size="icon"
          aria-label="Wrap lines"
          aria-pressed={wrap}
          tooltip="Wrap lines"
          onClick={() => setWrap(!wrap)}
          className={wrap ? "bg-selected text-accent" : undefined}
        >
          <WrapText aria-hidden="true" />
        </Button>
        <Button
          onClick={() => setPaused(!isPaused)}
          aria-pressed={isPaused}
          className={isPaused ? "bg-warn-soft text-warn" : undefined}
        >
          {isPaused ? <Play aria-hidden="true" /> : <Pause aria-hidden="true" />}
          {isPaused ? `Go on${logs.held > 0 ? ` (${logs.held} waiting)` : ""}` : "Pause"}
        </Button>
        <span className="ml-auto text-xs text-ink-3" role="status">
          {text ? `${lines.length} of ${countOf(logs.ring.lines.length, "line")}` : countOf(lines.length, "line")}
          {logs.ring.dropped > 0 && `, the last ${keptLines.toLocaleString("en-US")} are kept`}
          {logs.status === "ended" && " · ended"}
        </span>
      </div>
      {range.kind === "fixed" && (
        <p role="status" className="border-b bg-warn-soft px-4 py-1.5 text-xs text-warn" suppressHydrationWarning>
          The other tabs look at {describeRange(range)}. Logs do not: they are the last {tailLines} lines of each instance
          {follow && !previous && " and what comes since"}.
        </p>
      )}
      {logs.status === "failed" && (
        <ErrorNotice className="m-3 mb-0" what="The logs could not be read" error={logs.error} onRetry={logs.again} />
      )}
      <div className="relative min-h-0 flex-1">
        {lines.length === 0 ? (
          <Empty
            title={
              pods.length === 0
                ? "No instance to read"
                : text
                  ? "No line contains that"
                  : logs.status === "reading"
                    ? "Waiting for lines"
                    : "No lines"
            }
          >
            {previous && !text && "There is a previous log only where a container was restarted."}
          </Empty>
        ) : (
          <LogLines lines={lines} pods={pods} wrap={wrap} find={text} isAtEnd={isAtEnd} onAtEnd={setAtEnd} />
        )}
        {!isAtEnd && lines.length > 0 && (
          <Button
            look="primary"
            onClick={() => setAtEnd(true)}
            className="absolute bottom-3 left-1/2 -translate-x-1/2 shadow-float"
          >
            <ArrowDownToLine aria-hidden="true" /> To the end
          </Button>
        )}
      </div>
      {logs.status === "ended" && follow && !previous && (
        <p className="border-t px-4 py-1.5 text-xs text-ink-2">
          The stream ended.{" "}
          <button type="button" onClick={logs.again} className="text-accent hover:underline">
            Read again
          </button>
        </p>
      )}
    </div>
  );
}

const Toggle = ({ label, isOn, onToggle, tooltip }: { label: string; isOn: boolean; onToggle: () => void; tooltip?: string }) => (
  <Button
    role="switch"
    aria-checked={isOn}
    onClick={onToggle}
    tooltip={tooltip}
    className={isOn ? "border-accent-solid/60 bg-accent-soft text-accent" : undefined}
  >
    {label}
  </Button>
);
