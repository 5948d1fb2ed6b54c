"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { type FormEvent, useState } from "react";
import { verbName } from "#lib/client/action-texts.ts";
import { formatFigure } from "#lib/client/numbers.ts";
import { agrees, replayOutcomeNames, replayQuery, replaySummary, stopWords } from "#lib/client/replay.ts";
import { type ReplayedRelease, type ReplayInput, replaySchema } from "#lib/domain/rollouts/analysis/replay-schemas.ts";
import type { Analysis } from "#lib/domain/rollouts/strategy.ts";
import { Answer } from "../../../../../../ui/answer.tsx";
import { Button } from "../../../../../../ui/button.tsx";
import { TimeAgo } from "../../../../../../ui/clock.tsx";
import { Dialog } from "../../../../../../ui/dialog.tsx";
import { Field } from "../../../../../../ui/field.tsx";
import { fieldErrors } from "../../../../../../ui/field-errors.ts";
import { Empty, TableSkeleton } from "../../../../../../ui/notices.tsx";
import { NumberInput } from "../../../../../../ui/number-inputs.tsx";
import { OutcomeStatus, StatusShape } from "../../../../../../ui/status.tsx";
import { metricInfo } from "../../../../../rollouts/_components/metric-info.ts";

/** What an analysis would have done with the service's past releases, from what Prometheus still knows. */
export function ReplayDialog({ service, analysis, onClose }: { service: string; analysis: Analysis; onClose: () => void }) {
  const [reach, setReach] = useState({ days: 30, releases: 20, minutes: 60 });
  const [asked, setAsked] = useState<ReplayInput>({ ...reach, analysis });
  const query = useQuery(replayQuery(service, asked));
  const errors = fieldErrors(replaySchema, { ...reach, analysis });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    // A dialog's form lies inside the page's, as React sees it.
    event.stopPropagation();
    if (Object.keys(errors).length === 0) setAsked({ ...reach, analysis });
  };
  const number = (name: keyof typeof reach, label: string) => (
    <Field label={label} errors={errors[name]}>
      {(ties) => (
        <NumberInput
          {...ties}
          className="w-24"
          value={reach[name]}
          onChange={(value) => setReach({ ...reach, [name]: value ?? Number.NaN })}
        />
      )}
    </Field>
  );
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={`This analysis on past releases of ${service.split("/")[1]}`}
      description="Nothing is changed: Prometheus is asked what was measured then."
      footer={
        <Button look="primary" onClick={onClose}>
          Close
        </Button>
      }
    >
      <div className="grid gap-4">
        <form onSubmit={submit} noValidate className="flex flex-wrap items-start gap-3">
          {number("days", "Days back")}
          {number("releases", "Releases at most")}
          {number("minutes", "Minutes of each")}
          <Button type="submit" className="mt-6 h-8" busy={query.isFetching}>
            Try
          </Button>
        </form>
        <Answer of={query} what="The past releases could not be tried" waiting={<TableSkeleton rows={4} columns={4} />}>
          {(answer) =>
            answer.releases.length === 0 ? (
              <Empty title="No release is known in that time">
                A release is a change of the template that Switchyard made or saw. Look further back.
              </Empty>
            ) : (
              <>
                <p role="status" className="font-medium">
                  {replaySummary(answer)}
                </p>
                {answer.leftOut.length > 0 && (
                  <p className="text-warn">Left out, as this kind of service has no such metric: {answer.leftOut.join(", ")}.</p>
                )}
                <ul aria-label="Releases" className="divide-y border-y">
                  {answer.releases.map((release) => (
                    <Release key={release.auditId} release={release} />
                  ))}
                </ul>
              </>
            )
          }
        </Answer>
      </div>
    </Dialog>
  );
}

const looks = {
  stopped: { health: "down", color: "text-bad" },
  paused: { health: "paused", color: "text-held" },
  "let-through": { health: "healthy", color: "text-good" },
  unknown: { health: "unknown", color: "text-quiet" },
} as const;

function Release({ release }: { release: ReplayedRelease }) {
  const { outcome, at, verb, fromVersion, toVersion, actor, state, message, comparedBy, metrics } = release;
  const { health, color } = looks[outcome];
  const address = release.rolloutId ? `/rollouts/${release.rolloutId}` : `/audit?entry=${release.auditId}`;
  return (
    <li className="grid gap-x-3 gap-y-0.5 py-2 sm:grid-cols-[9rem_1fr]">
      <p className={`flex items-center gap-1.5 self-start font-medium ${color}`}>
        <StatusShape health={health} /> {replayOutcomeNames[outcome]}
      </p>
      <div className="min-w-0">
        <p className="flex flex-wrap items-baseline gap-x-2">
          <Link href={address} className="font-medium hover:underline">
            {verbName(verb)} {fromVersion !== toVersion && `${fromVersion ?? "?"} → ${toVersion ?? "?"}`}
          </Link>
          <span className="text-ink-3">
            <TimeAgo at={at} /> by {actor}
          </span>
          {state && (
            <span className="inline-flex items-center gap-1.5 text-ink-3">
              in truth <OutcomeStatus outcome={state} />
              {agrees(release) === false && <span className="text-warn">, differs</span>}
            </span>
          )}
        </p>
        <p className="text-ink-2">
          {message} {stopWords(release)}
        </p>
        {metrics.length > 0 && (
          <details>
            <summary className="cursor-pointer text-xs text-ink-3 hover:text-ink">
              Measurements
              {comparedBy === null && ", of all instances together: the versions cannot be told apart"}
            </summary>
            <table aria-label="Measurements" className="mt-1 w-full text-xs">
              <thead className="text-left text-ink-3">
                <tr>
                  <th className="font-medium">Metric</th>
                  <th className="text-right font-medium">Good</th>
                  <th className="text-right font-medium">Bad</th>
                  <th className="text-right font-medium">No data</th>
                  <th className="pl-4 font-medium">Worst</th>
                </tr>
              </thead>
              <tbody>
                {metrics.map(({ metric, good, bad, noData, worst }) => (
                  <tr key={metric}>
                    <td>{metricInfo(metric).title}</td>
                    <td className="text-right">{good}</td>
                    <td className={`text-right ${bad > 0 ? "font-medium text-bad" : ""}`}>{bad}</td>
                    <td className="text-right">{noData}</td>
                    <td className="pl-4 text-ink-2">
                      {worst ? <span title={worst.message}>{formatFigure(worst.value, metricInfo(metric).unit)}</span> : "–"}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </details>
        )}
      </div>
    </li>
  );
}
