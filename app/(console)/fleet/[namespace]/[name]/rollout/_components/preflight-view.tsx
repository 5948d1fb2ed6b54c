"use client";
import type { ReactNode } from "react";
import { countOf } from "#lib/client/numbers.ts";
import { describeStep } from "#lib/domain/rollouts/engine/step-texts.ts";
import type { ChecklistItem, ConfigDiff, ConfigVersion, Preflight } from "#lib/domain/rollouts/start/start-schemas.ts";
import { BeforeAfter } from "../../../../../../ui/actions/preview-view.tsx";
import { CheckLine, Checklist, CheckText, DryRun } from "../../../../../../ui/checklist.tsx";
import { cn } from "../../../../../../ui/class-names.ts";
import { TimeAgo } from "../../../../../../ui/clock.tsx";
import { TemplateDiff } from "../../../../../../ui/diff-view.tsx";
import { ForecastView } from "../../../../../../ui/forecast-view.tsx";
import { ErrorNotice, Skeleton } from "../../../../../../ui/notices.tsx";
import { SectionHeader } from "../../../../../../ui/page-header.tsx";

/** What the server found before anything is written: what changes, what a return restores, and the checklist. */
export function PreflightView({
  preflight,
  isFresh,
  error,
  waiting,
  onRetry,
  ticks,
  onTicks,
}: {
  preflight: Preflight | undefined;
  isFresh: boolean;
  error: Error | null;
  /** Why there is nothing to check yet. */
  waiting: string | null;
  onRetry: () => void;
  ticks: string[];
  onTicks: (ticks: string[]) => void;
}) {
  return (
    <section id="preflight" aria-labelledby="rollout-preflight" className="border-t">
      <SectionHeader
        id="rollout-preflight"
        title="Preflight"
        aside={preflight && (isFresh ? <TimeAgo at={preflight.at} /> : "being computed again")}
      />
      {error ? (
        <ErrorNotice className="m-4" what="Preflight could not be done" error={error} onRetry={onRetry} />
      ) : preflight ? (
        <div className={cn("transition-opacity", !isFresh && "opacity-60")} aria-busy={!isFresh}>
          <Differences preflight={preflight} />
          <Checklist items={preflight.checklist} titles={titles}>
            {(item) => (
              <Item
                item={item}
                isTicked={ticks.includes(item.id)}
                onTick={(isTicked) => onTicks(isTicked ? [...ticks, item.id] : ticks.filter((id) => id !== item.id))}
              />
            )}
          </Checklist>
          <Return preflight={preflight} />
        </div>
      ) : waiting ? (
        <p className="p-4 text-ink-2">{waiting}</p>
      ) : (
        <Skeleton className="m-4 h-40" />
      )}
    </section>
  );
}

function Differences({ preflight: { diff, version, dryRun, forecast, steps } }: { preflight: Preflight }) {
  const { autoscaler, before, after } = diff.replicas;
  return (
    <div className="grid gap-3 p-4">
      <DryRun dryRun={dryRun} />
      <TemplateDiff
        before={diff.template.before}
        after={diff.template.after}
        beforeTitle={`Now · ${version.from}`}
        afterTitle={`After · ${version.to}`}
      />
      <dl className="grid gap-x-4 gap-y-1 sm:grid-cols-[9rem_1fr]">
        {diff.config.map((each) => (
          <Row key={`${each.kind} ${each.name}`} name={<ConfigName config={each} />}>
            <ConfigChange config={each} />
          </Row>
        ))}
        {diff.annotations.map((change) => (
          <Row key={change.field} name={<span className="break-all">{change.field}</span>}>
            <BeforeAfter before={change.before} after={change.after} />
          </Row>
        ))}
        <Row name="Instances">
          {before === after ? (
            `${countOf(before, "instance")} before and after.`
          ) : (
            <BeforeAfter before={String(before)} after={String(after)} />
          )}{" "}
          {autoscaler
            ? `The autoscaler ${autoscaler.name} keeps ${autoscaler.min} to ${autoscaler.max}.`
            : "No autoscaler sets their number."}
        </Row>
        <Row name="At the most">{forecast ? <ForecastView forecast={forecast} /> : "The room on the nodes cannot be told."}</Row>
        <Row name="Steps">{steps.map(describeStep).join(" → ")}</Row>
      </dl>
    </div>
  );
}

const Row = ({ name, children }: { name: ReactNode; children: ReactNode }) => (
  <>
    <dt className="min-w-0 text-ink-3">{name}</dt>
    <dd className="min-w-0">{children}</dd>
  </>
);

const ConfigName = ({ config: { kind, name } }: { config: ConfigDiff }) => (
  <>
    {kind} <span className="break-all font-mono text-xs text-ink-2">{name}</span>
  </>
);

function ConfigChange({ config: { before, after, added, removed, changed, problem } }: { config: ConfigDiff }) {
  if (problem) return <span className="text-warn">{problem}</span>;
  const keys = [
    ...changed.map((key) => `${key} changes`),
    ...added.map((key) => `${key} is new`),
    ...removed.map((key) => `${key} goes`),
  ];
  if (before?.name === after?.name && before?.hash === after?.hash) {
    return <span className="text-ink-2">stays as it is{before ? `, ${versionWords(before)}` : ": it is not there"}</span>;
  }
  return (
    <>
      <BeforeAfter before={before && versionWords(before)} after={after && versionWords(after)} />
      {keys.length > 0 && <span className="block text-ink-2">{keys.join("; ")}. Values are not shown.</span>}
    </>
  );
}

const versionWords = ({ name, hash }: ConfigVersion) => (hash ? `${name} (${hash})` : name);

const titles: Record<ChecklistItem["group"], string> = {
  change: "The change",
  workload: "The workload",
  service: "The service now",
  manual: "For you to answer",
};

type ItemProperties = { item: ChecklistItem; isTicked: boolean; onTick: (isTicked: boolean) => void };

function Item({ item, isTicked, onTick }: ItemProperties) {
  if (item.group !== "manual" && item.state !== "manual") return <CheckLine item={item} />;
  return (
    <label className="flex items-start gap-2">
      <input
        type="checkbox"
        checked={isTicked}
        onChange={({ target }) => onTick(target.checked)}
        className="mt-1 accent-(--accent-solid)"
      />
      <CheckText item={item} />
    </label>
  );
}

function Return({ preflight: { rollback } }: { preflight: Preflight }) {
  return (
    <section aria-label="Rolling back" className="grid gap-x-6 gap-y-4 border-t p-4 lg:grid-cols-2">
      <Sentences title="A return to the present version brings back" sentences={rollback.restores} />
      <Sentences title="It does not bring back" sentences={rollback.leaves} />
    </section>
  );
}

const Sentences = ({ title, sentences }: { title: string; sentences: string[] }) => (
  <div>
    <h3 className="mb-1 text-xs font-medium text-ink-3">{title}</h3>
    <ul className="grid gap-0.5 text-ink-2">
      {sentences.map((sentence) => (
        <li key={sentence}>{sentence}</li>
      ))}
    </ul>
  </div>
);
