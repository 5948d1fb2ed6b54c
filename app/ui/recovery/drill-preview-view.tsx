"use client";
import { OctagonX } from "lucide-react";
import { formatDuration } from "#lib/domain/duration.ts";
import type { DrillPreview, Guard } from "#lib/domain/recovery/drills/schemas.ts";
import { LineShape } from "./marks.tsx";

const ofSeconds = (seconds: number) => (seconds === 0 ? "nothing" : formatDuration(seconds * 1000));

/** The first guard that an override does not help against; null when there is none. */
export const blockingGuard = (guards: readonly Guard[]) => guards.find(({ state }) => state === "blocked") ?? null;

/** What a drill does step by step, what stands against it, how it is measured and what it cannot show. */
export function DrillPreviewView({ preview: { steps, guards, objective, measures, limits, target } }: { preview: DrillPreview }) {
  const blocked = guards.filter(({ state }) => state === "blocked");
  return (
    <div className="grid gap-4">
      {blocked.length > 0 && (
        <div role="alert" className="rounded-md border border-bad-fill/40 bg-bad-soft px-3 py-2.5">
          <p className="font-medium text-bad">It cannot begin</p>
          <ul className="mt-1 grid gap-0.5">
            {blocked.map(({ name, message }) => (
              <li key={name} className="flex items-start gap-2">
                <OctagonX aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-bad" /> {message}
              </li>
            ))}
          </ul>
        </div>
      )}
      <section aria-label="What is done">
        <h3 className="mb-1 text-xs font-medium text-ink-3">
          What is done
          {target && (
            <>
              , to <span className="font-mono">{target}</span>
            </>
          )}
        </h3>
        <ol className="grid list-decimal gap-0.5 pl-5">
          {steps.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
      </section>
      <section aria-label="Guard rails">
        <h3 className="mb-1 text-xs font-medium text-ink-3">Guard rails</h3>
        <ul className="grid gap-0.5">
          {guards.map((guard) => (
            <li key={guard.name} className="flex items-start gap-2">
              <span className="mt-1">
                <LineShape of="guard" state={guard.state} />
              </span>
              <span className="min-w-0">
                <span className="font-medium">{guard.name}</span> <span className="text-ink-2">{guard.message}</span>
              </span>
            </li>
          ))}
        </ul>
      </section>
      <section aria-label="How it is judged">
        <h3 className="mb-1 text-xs font-medium text-ink-3">How it is judged</h3>
        <p>
          Away for at most <span className="font-medium">{ofSeconds(objective.rtoSeconds)}</span>, losing at most{" "}
          <span className="font-medium">
            {objective.rpoSeconds === 0 ? "nothing" : `what was written in ${ofSeconds(objective.rpoSeconds)}`}
          </span>
          .
        </p>
        <List lines={measures} />
      </section>
      {limits.length > 0 && (
        <section aria-label="What it cannot show">
          <h3 className="mb-1 text-xs font-medium text-ink-3">What it cannot show</h3>
          <List lines={limits} />
        </section>
      )}
    </div>
  );
}

const List = ({ lines }: { lines: readonly string[] }) => (
  <ul className="list-disc pl-5 text-ink-2">
    {lines.map((line) => (
      <li key={line}>{line}</li>
    ))}
  </ul>
);
