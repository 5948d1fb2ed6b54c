"use client";
import Link from "next/link";
import { historyAddress } from "#lib/client/alert-view.ts";
import { countOf } from "#lib/client/numbers.ts";
import { formatAbsolute, formatClock } from "#lib/client/time.ts";
import type { AlertDetail, AlertTransitionView } from "#lib/domain/alerts/schemas.ts";
import { AlertStanding } from "../../../ui/alerts/standing.tsx";
import { cn } from "../../../ui/class-names.ts";
import { Elapsed, TimeAgo, useNow } from "../../../ui/clock.tsx";
import { CopyButton } from "../../../ui/identifier.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";

const dots: Record<string, string> = {
  fired: "bg-bad-fill",
  resolved: "bg-good-fill",
  acknowledged: "bg-accent-solid",
  silenced: "bg-held",
};

/** What happened to an alert, in order. */
export function Transitions({ alert }: { alert: AlertDetail }) {
  const now = useNow();
  return (
    <section aria-labelledby="transitions">
      <SectionHeader id="transitions" title="Timeline" aside={countOf(alert.transitions.length, "step")} />
      <ol className="border-b px-4 py-2">
        {alert.transitions.map((transition, index) => (
          <li key={transition.id} className="relative grid grid-cols-[4.5rem_1rem_minmax(0,1fr)] gap-x-2 py-1">
            <time
              dateTime={transition.at}
              title={now === null ? undefined : formatAbsolute(transition.at)}
              className="text-ink-3"
            >
              {now === null ? "" : formatClock(transition.at)}
            </time>
            <span aria-hidden="true" className="relative flex justify-center">
              {index < alert.transitions.length - 1 && <span className="absolute -bottom-3 top-3 w-px bg-line-strong" />}
              <span className={cn("z-10 mt-1.5 size-2 rounded-full", dots[transition.kind] ?? "bg-line-strong")} />
            </span>
            <span className="min-w-0">
              {transition.text} <Late transition={transition} />
            </span>
          </li>
        ))}
        {alert.transitions.length === 0 && <li className="py-1 text-ink-3">Nothing is written down of it.</li>}
      </ol>
    </section>
  );
}

const lateMs = 10_000;

/** Says when a step became known much later than it happened. */
function Late({ transition: { at, recordedAt } }: { transition: AlertTransitionView }) {
  if (Date.parse(recordedAt) - Date.parse(at) < lateMs) return null;
  return (
    <span className="text-xs text-ink-3">
      known <Elapsed from={at} to={recordedAt} /> later
    </span>
  );
}

/** The same alert's episodes before. */
export function Episodes({ alert }: { alert: AlertDetail }) {
  return (
    <section aria-labelledby="episodes">
      <SectionHeader id="episodes" title="Episodes before" aside={countOf(alert.previousTotal, "episode")}>
        <Link
          href={historyAddress({ fingerprint: alert.fingerprint })}
          className="text-xs text-ink-2 hover:text-ink hover:underline"
        >
          In the history
        </Link>
      </SectionHeader>
      {alert.previousEpisodes.length === 0 ? (
        <p className="border-b px-4 py-3 text-ink-3">It never fired before, as far as the history goes back.</p>
      ) : (
        <ol>
          {alert.previousEpisodes.map((episode) => (
            <li key={episode.id} className="border-b">
              <Link
                href={`/alerts/${episode.id}`}
                className="grid h-8 grid-cols-[6rem_6rem_minmax(0,1fr)] items-center gap-3 px-4 hover:bg-hover"
              >
                <TimeAgo at={episode.startsAt} className="text-ink-2" />
                <Elapsed from={episode.startsAt} to={episode.endsAt} />
                <span className="truncate">
                  <AlertStanding standing={episode.standing} className="mr-2" />
                  {episode.acknowledgedBy && <span className="text-ink-3">taken by {episode.acknowledgedBy}</span>}
                </span>
              </Link>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

/** The silences that hide an alert now. */
export function SilencesHiding({ alert }: { alert: AlertDetail }) {
  return (
    <section aria-labelledby="hiding">
      <SectionHeader id="hiding" title="Silences that hide it" aside={countOf(alert.silences.length, "silence")}>
        <Link href="/alerts/silences" className="text-xs text-ink-2 hover:text-ink hover:underline">
          Extend or expire
        </Link>
      </SectionHeader>
      <ul>
        {alert.silences.map((silence) => (
          <li key={silence.id} className="flex flex-wrap gap-x-3 border-b px-4 py-1.5">
            <Link href={`/alerts/silences?silence=${silence.id}`} className="font-medium text-held hover:underline">
              {silence.comment ?? `Silence ${silence.id}`}
            </Link>
            <span className="text-ink-3">
              {silence.createdBy ? `by ${silence.createdBy}` : "Alertmanager cannot be asked now"}
              {silence.endsAt && (
                <>
                  , ends <TimeAgo at={silence.endsAt} />
                </>
              )}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Labels, each leading to the history of what shares it, and annotations. */
export function Labels({ alert }: { alert: AlertDetail }) {
  const labels = Object.entries(alert.labels).sort(([a], [b]) => a.localeCompare(b));
  const annotations = Object.entries(alert.annotations);
  return (
    <section aria-labelledby="labels" className="min-w-0">
      <SectionHeader id="labels" title="Labels">
        <CopyButton
          text={`{${labels.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(", ")}}`}
          label="Copy the labels"
          className="text-xs"
        >
          Copy
        </CopyButton>
      </SectionHeader>
      <dl className="grid grid-cols-[minmax(0,8rem)_minmax(0,1fr)] gap-x-3 gap-y-0.5 border-b px-4 py-2 font-mono text-xs">
        {labels.map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="truncate text-ink-3" title={name}>
              {name}
            </dt>
            <dd className="min-w-0 break-all">
              <Link
                href={historyAddress({ labels: `${name}=${JSON.stringify(value)}` })}
                title={`Alerts with ${name}=${value} in the last 7 days`}
                className="hover:text-accent hover:underline"
              >
                {value}
              </Link>
            </dd>
          </div>
        ))}
      </dl>
      {annotations.length > 0 && (
        <>
          <SectionHeader title="Annotations" />
          <dl className="grid grid-cols-[minmax(0,8rem)_minmax(0,1fr)] gap-x-3 gap-y-1 border-b px-4 py-2">
            {annotations.map(([name, value]) => (
              <div key={name} className="contents">
                <dt className="truncate text-ink-3" title={name}>
                  {name}
                </dt>
                <dd className="min-w-0 whitespace-pre-wrap break-words">{value}</dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </section>
  );
}
