"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { RefreshCw, TriangleAlert } from "lucide-react";
import Link from "next/link";
import { formatFigure } from "#lib/client/numbers.ts";
import { measureImpact, postmortemKeys } from "#lib/client/postmortems.ts";
import { formatDuration } from "#lib/domain/duration.ts";
import { figuresOf } from "#lib/domain/incidents/clock.ts";
import { startWords } from "#lib/domain/incidents/postmortem/facts-markdown.ts";
import type { PostmortemFacts } from "#lib/domain/incidents/postmortem/schemas.ts";
import { impactLines } from "#lib/domain/incidents/postmortem/texts.ts";
import { formatUtc } from "#lib/domain/times.ts";
import { Button } from "../../../../../ui/button.tsx";
import { Markdown } from "../../../../../ui/markdown.tsx";
import { ErrorNotice } from "../../../../../ui/notices.tsx";
import { SectionHeader } from "../../../../../ui/page-header.tsx";
import { useRoleRefusal } from "../../../../../ui/session.tsx";
import { ChartView } from "./chart-view.tsx";

/** What was measured, which nobody writes: it follows the incident until the postmortem is published. */
export function FactsSection({ incidentId, facts }: { incidentId: string; facts: PostmortemFacts }) {
  const queries = useQueryClient();
  const refusal = useRoleRefusal("operator");
  const { isFrozen, readAt, charts, impact, isImpactOutdated, overrideReason } = facts;
  const measure = useMutation({
    mutationFn: () => measureImpact(incidentId),
    onSettled: () => void queries.invalidateQueries({ queryKey: postmortemKeys.all }),
  });
  return (
    <section aria-label="Facts" className="border-b">
      <SectionHeader
        title="Facts"
        aside={
          isFrozen ? `as they were at the publication, ${formatUtc(readAt, "minute")}` : "from the incident; not written by hand"
        }
      >
        {!isFrozen && (
          <Button size="small" busy={measure.isPending} disabledReason={refusal} onClick={() => measure.mutate()}>
            {!measure.isPending && <RefreshCw aria-hidden="true" />} Measure again
          </Button>
        )}
      </SectionHeader>
      {overrideReason !== null && (
        <p className="flex items-start gap-1.5 border-b bg-bad-soft px-4 py-1.5 text-bad">
          <TriangleAlert aria-hidden="true" className="mt-0.5 size-3.5 shrink-0" />
          <span>
            <span className="font-medium">Resolved in spite of the evidence.</span> Reason given: {overrideReason}
          </span>
        </p>
      )}
      {isImpactOutdated && (
        <p className="border-b px-4 py-1.5 text-warn">
          The incident's times or services have changed since the impact was measured: measure it again.
        </p>
      )}
      {measure.error && <ErrorNotice className="m-4" what="It was not measured" error={measure.error} />}
      <div className="grid md:grid-cols-2">
        <Times facts={facts} />
        <div className="min-w-0 px-4 py-2 max-md:border-t md:border-l">
          {impact ? (
            <Markdown text={impactLines(impact).join("\n")} topLevel={3} className="text-xs" />
          ) : (
            <p className="text-ink-2">The impact has not been measured.</p>
          )}
        </div>
      </div>
      {charts.length > 0 && (
        <div className="grid gap-x-4 gap-y-2 border-t px-4 py-2 2xl:grid-cols-2">
          {charts.map((chart) => (
            <ChartView key={`${chart.service} ${chart.indicator.name}`} chart={chart} facts={facts} />
          ))}
        </div>
      )}
    </section>
  );
}

function Times({ facts: { clock, recoveredAt, recoveries, commander, responders, services } }: { facts: PostmortemFacts }) {
  const { ttd, tta, ttm, ttr } = figuresOf(clock);
  const figure = (name: string, seconds: number | null) =>
    seconds === null ? null : `${name} ${formatDuration(seconds * 1000)}`;
  const rows: [name: string, at: string | null, aside: string | null][] = [
    ["Impact began", clock.impactStartSource === "unknown" ? null : clock.impactStartedAt, startWords[clock.impactStartSource]],
    ["Detected", clock.detectedAt, figure("TTD", ttd)],
    ["Acknowledged", clock.acknowledgedAt, figure("TTA", tta)],
    ["Mitigated", clock.mitigatedAt, figure("TTM", ttm)],
    ["Recovered, by the data", recoveredAt, null],
    ["Resolved", clock.resolvedAt, figure("TTR", ttr)],
  ];
  return (
    <div className="min-w-0 px-4 py-2 text-xs">
      <dl className="grid grid-cols-[max-content_minmax(0,1fr)] gap-x-4 gap-y-1">
        {rows.map(([name, at, aside]) => (
          <Row key={name} name={name}>
            {at === null ? <span className="text-ink-3">not known</span> : <span className="tabular-nums">{formatUtc(at)}</span>}
            {at !== null && aside && <span className="text-ink-3"> · {unbroken(aside)}</span>}
          </Row>
        ))}
        <Row name="Services">
          {services.length === 0 && "none named"}
          {services.map((service) => (
            <Link key={service} href={`/fleet/${service}`} className="name mr-2 text-accent hover:underline">
              {service}
            </Link>
          ))}
        </Row>
        <Row name="Commander">{commander ?? "nobody"}</Row>
        {responders.length > 0 && <Row name="Responders">{responders.join(", ")}</Row>}
        {recoveries
          .filter(({ during }) => during !== null)
          .map(({ service, indicator, before, during, after }) => (
            <Row key={service} name={`${service.split("/")[1]}, ${indicator.short}`}>
              {[before, during, after].map((value) => formatFigure(value, indicator.unit)).join(" → ")}
              <span className="text-ink-3">
                {" "}
                · before, at worst, after; limit {formatFigure(indicator.limit, indicator.unit)}
              </span>
            </Row>
          ))}
      </dl>
    </div>
  );
}

/** A figure on one line: "TTA 2 m 44 s". */
const unbroken = (words: string) => (/\d/.test(words) ? <span className="whitespace-nowrap">{words}</span> : words);

function Row({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <>
      <dt className="text-ink-3">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </>
  );
}
