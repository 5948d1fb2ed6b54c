"use client";
import { useQuery } from "@tanstack/react-query";
import { BellRing } from "lucide-react";
import Link from "next/link";
import { judgeByAlerts, wantedByService } from "#lib/client/alert-view.ts";
import { liveAlertsQuery } from "#lib/client/alerts.ts";
import { servicesQuery } from "#lib/client/fleet.ts";
import { isListed } from "#lib/client/fleet-view.ts";
import { byWeight } from "#lib/client/incident-view.ts";
import { latestIncidentsQuery } from "#lib/client/incidents.ts";
import { countOf } from "#lib/client/numbers.ts";
import { isOver, latestRolloutsQuery } from "#lib/client/rollouts.ts";
import type { Health, Service } from "#lib/domain/fleet/schemas.ts";
import { Answer } from "../../ui/answer.tsx";
import { TableSkeleton } from "../../ui/notices.tsx";
import { PageHeader, SectionHeader } from "../../ui/page-header.tsx";
import { StatusShape } from "../../ui/status.tsx";
import { IncidentTable } from "../incidents/_components/incident-table.tsx";
import { RolloutTable } from "../rollouts/_components/rollout-table.tsx";
import { LastHour } from "./last-hour.tsx";
import { ObjectivesSection } from "./objectives-section.tsx";
import { OverviewServices } from "./overview-services.tsx";

export function OverviewPage() {
  const query = useQuery(servicesQuery);
  const rollouts = useQuery(latestRolloutsQuery()).data?.items ?? [];
  const firing = useQuery(liveAlertsQuery()).data?.items ?? [];
  const alerts = wantedByService(firing);
  const incidents = useQuery(latestIncidentsQuery()).data?.items.toSorted(byWeight) ?? [];
  const active = rollouts.filter((rollout) => !isOver(rollout.state));
  return (
    <>
      <PageHeader
        title="Overview"
        aside={
          query.data ? (
            <Verdict services={query.data.services} alarmed={query.data.services.filter(({ id }) => alerts.has(id)).length} />
          ) : null
        }
      />
      {incidents.length > 0 && (
        <section aria-labelledby="open-incidents">
          <SectionHeader id="open-incidents" title="Open incidents" aside={countOf(incidents.length, "incident")} />
          <IncidentTable incidents={incidents} empty={null} />
        </section>
      )}
      <Answer
        of={query}
        what="The fleet could not be read"
        still="The audit still answers."
        waiting={<TableSkeleton rows={6} columns={7} />}
      >
        {({ services, figures, feeds }) => (
          <OverviewServices
            services={judgeByAlerts(services, firing).filter((service) => isShown(service) || alerts.has(service.id))}
            alerts={alerts}
            figures={figures}
            feeds={feeds}
          />
        )}
      </Answer>
      {active.length > 0 && (
        <section aria-labelledby="active-rollouts">
          <SectionHeader id="active-rollouts" title="Active rollouts" aside={countOf(active.length, "rollout")} />
          <RolloutTable rollouts={active} />
        </section>
      )}
      <LastHour />
      {query.data && <ObjectivesSection services={query.data.services.filter(isShown)} />}
    </>
  );
}

/** What merely supports the fleet is listed once something is wrong with it. */
function isShown({ kind, health }: Service): boolean {
  return isListed(kind) || health !== "healthy";
}

const order: Health[] = ["down", "degraded", "unknown", "progressing", "paused"];

/** How many services want somebody; an alert on one that runs is told too, or "healthy" would be half the truth. */
function Verdict({ services, alarmed }: { services: Service[]; alarmed: number }) {
  const parts = order.flatMap((health) => {
    const count = services.filter((service) => service.health === health).length;
    return count > 0 ? [{ health, count }] : [];
  });
  if (services.length === 0) return "No services yet";
  if (parts.length === 0 && alarmed === 0) {
    return (
      <span className="inline-flex items-center gap-1.5">
        <StatusShape health="healthy" /> All {countOf(services.length, "service")} healthy
      </span>
    );
  }
  return (
    <span className="inline-flex flex-wrap items-center gap-x-3 text-ink-2">
      {parts.map(({ health, count }) => (
        <span key={health} className="inline-flex items-center gap-1.5">
          <StatusShape health={health} /> {count} {health}
        </span>
      ))}
      {alarmed > 0 && (
        <Link href="/alerts" className="inline-flex items-center gap-1.5 font-medium text-ink hover:underline">
          <BellRing aria-hidden="true" className="size-3.5 text-bad" /> Alerts fire on {alarmed}
        </Link>
      )}
      <span className="text-ink-3">of {countOf(services.length, "service")}</span>
    </span>
  );
}
