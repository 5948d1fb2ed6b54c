"use client";
import { useQuery } from "@tanstack/react-query";
import { CircleDashed, PlugZap, WifiOff } from "lucide-react";
import Link from "next/link";
import type { ReactNode } from "react";
import { changeNames, rolloutChange } from "#lib/client/action-texts.ts";
import { byUrgency, toldOnce } from "#lib/client/alert-view.ts";
import { liveAlertsQuery } from "#lib/client/alerts.ts";
import { bySeverity } from "#lib/client/density.ts";
import { isDrilling, newestDrillsQuery } from "#lib/client/drills.ts";
import { servicesQuery } from "#lib/client/fleet.ts";
import { readinessOf } from "#lib/client/fleet-view.ts";
import { byWeight, incidentName, isBurning } from "#lib/client/incident-view.ts";
import { latestIncidentsQuery } from "#lib/client/incidents.ts";
import { drillAddress, drillName, restoreAddress, restoreName, subjectTitle } from "#lib/client/recovery-view.ts";
import { isRestoring, newestRestoresQuery } from "#lib/client/restores.ts";
import { isOver, latestRolloutsQuery } from "#lib/client/rollouts.ts";
import type { LiveAlerts } from "#lib/domain/alerts/schemas.ts";
import type { Feed, Health, Service } from "#lib/domain/fleet/schemas.ts";
import { isBlind } from "../../ui/alerts/source-notice.tsx";
import { cn } from "../../ui/class-names.ts";
import { Elapsed, useNow } from "../../ui/clock.tsx";
import { CopyButton } from "../../ui/identifier.tsx";
import { IncidentSeverity } from "../../ui/incidents/incident-marks.tsx";
import { useLive } from "../../ui/live/live-provider.tsx";
import { SeverityShape, severityColor, severityWord } from "../../ui/severity.tsx";
import { OutcomeShape, StatusShape } from "../../ui/status.tsx";

/**
 * What burns: alerts, services that are down or degraded, feeds that are lost; and what is being done to services: rollouts, drills,
 * restores. Nothing when all is well.
 */
export function BurningBar() {
  const { data } = useQuery(servicesQuery);
  const alerts = useQuery(liveAlertsQuery()).data;
  const feeds = data?.feeds.filter((feed) => feed.state !== "connected") ?? [];
  return (
    <div role="status" aria-live="polite" aria-label="What needs attention" className="shrink-0 print:hidden">
      <LostConnection />
      {feeds.map((feed) => (
        <FeedLine key={feed.name} feed={feed} />
      ))}
      <IncidentsLine />
      {alerts && <AlertsLine live={alerts} isFeedLost={feeds.some((feed) => feed.name === "alertmanager")} />}
      <ServicesLine services={data?.services ?? []} />
    </div>
  );
}

function Line({ tone, children }: { tone: "bad" | "warn" | "plain"; children: ReactNode }) {
  return (
    <div
      className={cn(
        "flex min-h-8 flex-wrap items-center gap-x-4 gap-y-0.5 border-b px-4 py-1 text-xs",
        tone === "bad" && "bg-bad-soft",
        tone === "warn" && "bg-warn-soft",
        tone === "plain" && "bg-sunken",
      )}
    >
      {children}
    </div>
  );
}

function LostConnection() {
  const { stream } = useLive();
  const now = useNow();
  if (stream.state !== "lost" || now === null || now - stream.since < 800) return null;
  return (
    <Line tone="bad">
      <span className="inline-flex items-center gap-1.5 font-medium text-bad">
        <WifiOff aria-hidden="true" className="size-3.5" /> Live updates lost{" "}
        <Elapsed from={new Date(stream.since).toISOString()} to={null} /> ago
      </span>
      <span className="text-ink-2">The page shows what was known then, and connects again by itself.</span>
    </Line>
  );
}

const feedTitles: Record<Feed["name"], string> = {
  kubernetes: "Kubernetes",
  prometheus: "Prometheus",
  alertmanager: "Alertmanager",
  database: "Database",
};

function FeedLine({ feed }: { feed: Feed }) {
  return (
    <Line tone="warn">
      <span className="inline-flex items-center gap-1.5 font-medium text-warn">
        <PlugZap aria-hidden="true" className="size-3.5" />
        {feedTitles[feed.name]} {feed.state === "stale" ? "stale" : "not connected"} for <Elapsed from={feed.since} to={null} />
      </span>
      {feed.lastError && (
        <span className={cn("min-w-0 truncate text-ink-2", feed.hint && "max-md:hidden")}>{feed.lastError}</span>
      )}
      {feed.hint && (
        <span className="inline-flex min-w-0 items-center gap-1.5">
          <code className="truncate text-ink">{feed.hint}</code>
          <CopyButton text={feed.hint} label="Copy the hint" />
        </span>
      )}
    </Line>
  );
}

const mostIncidents = 3;

/** Open incidents that wake people, the worst first. */
function IncidentsLine() {
  const open = (useQuery(latestIncidentsQuery()).data?.items ?? []).filter(isBurning).sort(byWeight);
  if (open.length === 0) return null;
  return (
    <Line tone="bad">
      {open.slice(0, mostIncidents).map((incident, index) => (
        <Link
          key={incident.id}
          href={`/incidents/${incident.id}`}
          className={cn("inline-flex min-w-0 items-center gap-1.5 hover:underline", index > 0 && "max-md:hidden")}
        >
          <IncidentSeverity severity={incident.severity} isBare />
          <span className="shrink-0 font-mono text-ink-2">{incidentName(incident)}</span>
          <span className="max-w-96 truncate font-medium text-ink">{incident.title}</span>
          <span className="shrink-0 text-ink-3">
            <Elapsed from={incident.clock.impactStartedAt} to={null} />
          </span>
          {incident.clock.acknowledgedAt === null && <span className="shrink-0 font-medium text-bad">not taken</span>}
        </Link>
      ))}
      {open.length > mostIncidents && (
        <Link href="/incidents" className="text-ink-2 hover:text-ink">
          and {open.length - mostIncidents} more
        </Link>
      )}
    </Line>
  );
}

const mostAlerts = 3;

/** Alerts that nobody has taken and nothing hides, the worst by name; and the sources that are not heard. */
function AlertsLine({ live, isFeedLost }: { live: LiveAlerts; isFeedLost: boolean }) {
  const blind = isFeedLost ? [] : live.sources.filter(isBlind);
  const firing = live.items.filter((alert) => alert.standing === "firing").sort(byUrgency);
  const severities = Object.keys(live.firingBySeverity).sort(bySeverity);
  const total = severities.reduce((sum, severity) => sum + (live.firingBySeverity[severity] ?? 0), 0);
  const worst = firing[0]?.severity;
  const told = toldOnce(firing);
  const named = told.slice(0, mostAlerts).reduce((sum, { count }) => sum + count, 0);
  return (
    <>
      {blind.map((source) => (
        <Line key={source.name} tone="warn">
          <Link href="/alerts" className="inline-flex items-center gap-1.5 font-medium text-warn hover:underline">
            <CircleDashed aria-hidden="true" className="size-3.5" /> Alerts of {source.name} not heard
            {source.blindSince && (
              <>
                {" "}
                for <Elapsed from={source.blindSince} to={null} />
              </>
            )}
          </Link>
          <span className="min-w-0 truncate text-ink-2">{source.blindReason}</span>
        </Line>
      ))}
      {total > 0 && (
        <Line tone={worst === "critical" || worst === "page" ? "bad" : worst === "warning" ? "warn" : "plain"}>
          <Link href="/alerts" className="inline-flex items-center gap-2 hover:underline">
            {severities.map((severity) => (
              <span key={severity} className={cn("inline-flex items-center gap-1 font-medium", severityColor(severity))}>
                <SeverityShape severity={severity} />
                {live.firingBySeverity[severity]?.toLocaleString("en-US")} {severityWord(severity).toLowerCase()}
              </span>
            ))}
          </Link>
          {told.slice(0, mostAlerts).map(({ alert, count }, index) => (
            <Link
              key={alert.id}
              href={`/alerts/${alert.id}`}
              className={cn("inline-flex min-w-0 items-center gap-1.5 text-ink-2 hover:text-ink", index > 0 && "max-md:hidden")}
            >
              <span className="name truncate font-medium text-ink">{alert.name}</span>
              {alert.service && <span className="name">{alert.service}</span>}
              {count > 1 && <span className="text-ink-3">{count}×</span>}
              <span className="text-ink-3">
                <Elapsed from={alert.startsAt} to={null} />
              </span>
            </Link>
          ))}
          {total > named && (
            <Link href="/alerts" className="text-ink-2 hover:text-ink max-md:hidden">
              and {(total - named).toLocaleString("en-US")} more
            </Link>
          )}
        </Line>
      )}
    </>
  );
}

const burning = ["down", "degraded"] as const satisfies Health[];
const mostWork = 3;

/** Services that are down or degraded, and what is being done to services, which may be why. */
function ServicesLine({ services }: { services: Service[] }) {
  const bad = burning.flatMap((health) => services.filter((service) => service.health === health));
  const work = useWork();
  if (bad.length === 0 && work.length === 0) return null;
  return (
    <Line tone={bad.some((service) => service.health === "down") ? "bad" : bad.length > 0 ? "warn" : "plain"}>
      {bad.slice(0, 4).map((service) => (
        <Link
          key={service.id}
          href={`/fleet/${service.id}`}
          title={service.healthReason}
          className={cn(
            "inline-flex items-center gap-1.5 font-medium hover:underline",
            service.health === "down" ? "text-bad" : "text-warn",
          )}
        >
          <StatusShape health={service.health} />
          {service.name} {service.health}
          <span className="font-normal text-ink-2 max-md:hidden">
            {readinessOf(service).ready}/{readinessOf(service).desired} ready
          </span>
        </Link>
      ))}
      {bad.length > 4 && (
        <Link href="/fleet?health=down,degraded&all=true" className="text-ink-2 hover:text-ink">
          and {bad.length - 4} more
        </Link>
      )}
      {work.slice(0, mostWork).map(({ href, shape, service, words, startedAt }) => (
        <Link key={href} href={href} className="inline-flex items-center gap-1.5 text-ink-2 hover:text-ink">
          {shape}
          <span className="font-medium text-ink">{service}</span> {words}
          <span className="text-ink-3">
            <Elapsed from={startedAt} to={null} />
          </span>
        </Link>
      ))}
    </Line>
  );
}

type Work = { href: string; shape: ReactNode; service: string; words: string; startedAt: string };

/** Drills and restores over a service first: they explain what else burns. */
function useWork(): Work[] {
  const drills = useQuery(newestDrillsQuery).data?.items ?? [];
  const restores = useQuery(newestRestoresQuery).data?.items ?? [];
  const rollouts = useQuery(latestRolloutsQuery()).data?.items ?? [];
  const shape = <StatusShape health="progressing" />;
  return [
    ...drills
      .filter(({ state }) => isDrilling(state))
      .map((drill) => ({
        href: drillAddress(drill),
        shape,
        service: subjectTitle(drill.subject),
        words: `${drillName(drill)} ${drill.title.toLowerCase()}`,
        startedAt: drill.startedAt ?? drill.createdAt,
      })),
    ...restores
      .filter(({ state, mode }) => isRestoring(state) && mode === "in-place")
      .map((restore) => ({
        href: restoreAddress(restore),
        shape,
        service: subjectTitle(restore.subject),
        words: `${restoreName(restore)} restore in place`,
        startedAt: restore.startedAt ?? restore.createdAt,
      })),
    ...rollouts
      .filter(({ state }) => !isOver(state))
      .map((rollout) => ({
        href: `/rollouts/${rollout.id}`,
        shape: <OutcomeShape outcome={rollout.state} />,
        service: rollout.service,
        words: `${changeNames[rollout.change].toLowerCase()} ${rolloutChange(rollout)}`,
        startedAt: rollout.startedAt,
      })),
  ];
}
