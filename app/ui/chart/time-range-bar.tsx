"use client";
import { CalendarClock, ChevronLeft, ChevronRight, Radio } from "lucide-react";
import { Popover as Radix } from "radix-ui";
import { useState } from "react";
import {
  describeRange,
  fromLocalField,
  presetOfLength,
  refuseSpan,
  sameRange,
  shifted,
  spanOf,
  type TimeRange,
  toLocalField,
} from "#lib/client/time-range.ts";
import { type Comparison, type Range, ranges } from "#lib/domain/metrics/schemas.ts";
import { Button, buttonLook } from "../button.tsx";
import { cn } from "../class-names.ts";
import { useNow } from "../clock.tsx";
import { Field, Input, Select } from "../field.tsx";

const presets = Object.keys(ranges) as Range[];

type Properties = {
  range: TimeRange;
  onRange: (range: TimeRange) => void;
  /** Left out where there is nothing to compare. */
  compare?: Comparison | null;
  onCompare?: (compare: Comparison | null) => void;
};

/** Which time a page looks at: up to now or fixed, told plainly, and the ways to another. */
export function TimeRangeBar({ range, onRange, compare = null, onCompare }: Properties) {
  const now = useNow();
  const seconds = now === null ? null : now / 1000;
  const jump = (direction: -1 | 1) => onRange(shifted(range, direction, Date.now() / 1000));
  return (
    <div className="flex flex-wrap items-center gap-x-2 gap-y-1.5">
      <div className="flex">
        <Button
          size="small"
          className="rounded-r-none px-1"
          aria-label="Earlier"
          tooltip="Half of it earlier"
          onClick={() => jump(-1)}
        >
          <ChevronLeft aria-hidden="true" />
        </Button>
        <fieldset className="flex overflow-hidden border-y border-line-strong">
          <legend className="sr-only">Time range</legend>
          {presets.map((each) => (
            <PresetButton key={each} name={each} isOn={sameRange(range, { kind: "live", range: each })} onRange={onRange} />
          ))}
        </fieldset>
        <SpanPicker range={range} onRange={onRange} />
        <Button
          size="small"
          className="-ml-px rounded-l-none px-1"
          aria-label="Later"
          tooltip={range.kind === "live" ? undefined : "Half of it later"}
          disabledReason={range.kind === "live" ? "It ends now already." : null}
          onClick={() => jump(1)}
        >
          <ChevronRight aria-hidden="true" />
        </Button>
      </div>
      {onCompare && (
        <Select
          aria-label="Compare with"
          className="[&>select]:h-6 [&>select]:text-xs"
          value={compare ?? ""}
          onChange={(event) => onCompare((event.target.value || null) as Comparison | null)}
        >
          <option value="">No comparison</option>
          <option value="day">Compare: yesterday</option>
          <option value="week">Compare: last week</option>
        </Select>
      )}
      {range.kind === "live" ? (
        <span className="inline-flex items-center gap-1.5 text-xs font-medium text-good">
          <Radio aria-hidden="true" className="size-3.5" /> Live
        </span>
      ) : (
        <span className="inline-flex flex-wrap items-center gap-x-2 text-xs">
          <span className="inline-flex items-center gap-1.5 font-medium text-warn" suppressHydrationWarning>
            <CalendarClock aria-hidden="true" className="size-3.5" /> Fixed: {seconds === null ? "" : describeRange(range)}
          </span>
          <button
            type="button"
            className="font-medium text-accent hover:underline"
            onClick={() => onRange({ kind: "live", range: presetOfLength(range.to - range.from) ?? "1h" })}
          >
            Go live
          </button>
        </span>
      )}
    </div>
  );
}

function PresetButton({ name, isOn, onRange }: { name: Range; isOn: boolean; onRange: (range: TimeRange) => void }) {
  return (
    <button
      type="button"
      aria-pressed={isOn}
      onClick={() => onRange({ kind: "live", range: name })}
      className={cn(
        "h-5.5 border-r border-line-strong px-2.5 text-xs text-ink-2 last:border-r-0 hover:bg-hover max-md:px-2",
        isOn && "bg-selected font-medium text-accent",
      )}
    >
      {name}
    </button>
  );
}

/** Two absolute ends, in the viewer's zone. */
function SpanPicker({ range, onRange }: Pick<Properties, "range" | "onRange">) {
  const [open, setOpen] = useState(false);
  const isOn = range.kind === "fixed";
  return (
    <Radix.Root open={open} onOpenChange={setOpen}>
      <Radix.Trigger
        aria-label="Pick a time"
        aria-pressed={isOn}
        className={cn(buttonLook({ size: "small" }), "rounded-none hover:bg-hover", isOn && "bg-selected text-accent")}
      >
        <CalendarClock aria-hidden="true" />
        <span className="max-md:hidden">Pick</span>
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align="start"
          sideOffset={4}
          collisionPadding={8}
          aria-label="Pick a time"
          className="z-30 w-72 rounded-lg border bg-raised p-3 shadow-float outline-none"
        >
          <SpanForm
            range={range}
            onRange={(next) => {
              setOpen(false);
              onRange(next);
            }}
          />
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

function SpanForm({ range, onRange }: Pick<Properties, "range" | "onRange">) {
  const [{ from, to }, setEnds] = useState(() => {
    const span = spanOf(range, Math.floor(Date.now() / 1000));
    return { from: toLocalField(span.from), to: toLocalField(span.to) };
  });
  const [isAsked, setAsked] = useState(false);
  const ends = { from: fromLocalField(from), to: fromLocalField(to) };
  const refusal = refuseSpan(ends.from, ends.to, Date.now() / 1000);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const days = [
    ["Today", dayStart(0), null],
    ["Yesterday", dayStart(1), dayStart(0)],
    ["This week", dayStart((new Date().getDay() + 6) % 7), null],
  ] as const;
  return (
    <form
      className="grid gap-2.5"
      onSubmit={(event) => {
        event.preventDefault();
        setAsked(true);
        if (!refusal && ends.from !== null && ends.to !== null) onRange({ kind: "fixed", from: ends.from, to: ends.to });
      }}
    >
      <Field label="From">
        {(ties) => (
          <Input
            {...ties}
            type="datetime-local"
            step={1}
            value={from}
            onChange={(event) => setEnds({ from: event.target.value, to })}
          />
        )}
      </Field>
      <Field label="To" errors={isAsked && refusal ? [refusal] : undefined} hint={`Times are in ${zone}, at most 31 days.`}>
        {(ties) => (
          <Input
            {...ties}
            type="datetime-local"
            step={1}
            value={to}
            onChange={(event) => setEnds({ from, to: event.target.value })}
          />
        )}
      </Field>
      <div className="flex items-center gap-1.5">
        {days.map(([name, start, end]) => (
          <Button
            key={name}
            size="small"
            look="ghost"
            className="px-1"
            onClick={() => onRange({ kind: "fixed", from: start, to: end ?? Math.floor(Date.now() / 1000) })}
          >
            {name}
          </Button>
        ))}
        <Button type="submit" look="primary" size="small" className="ml-auto">
          Show
        </Button>
      </div>
    </form>
  );
}

/** Midnight of so many days ago in the viewer's zone, Unix seconds. */
function dayStart(daysAgo: number): number {
  const day = new Date();
  day.setHours(0, 0, 0, 0);
  day.setDate(day.getDate() - daysAgo);
  return Math.floor(day.getTime() / 1000);
}
