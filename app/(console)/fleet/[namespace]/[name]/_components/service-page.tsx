"use client";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { judgeByAlerts, wantedByService } from "#lib/client/alert-view.ts";
import { liveAlertsQuery } from "#lib/client/alerts.ts";
import { codeOf } from "#lib/client/api.ts";
import { serviceQuery, servicesQuery } from "#lib/client/fleet.ts";
import { outsideQuery } from "#lib/client/surroundings.ts";
import { capital } from "#lib/client/words.ts";
import type { ServiceAnswer } from "#lib/domain/fleet/schemas.ts";
import { tabBarLook, tabLook } from "../../../../../ui/area-header.tsx";
import { useTimeRange } from "../../../../../ui/chart/use-time-range.ts";
import { cn } from "../../../../../ui/class-names.ts";
import { useLive, useWatchedService } from "../../../../../ui/live/live-provider.tsx";
import { ErrorNotice, TableSkeleton } from "../../../../../ui/notices.tsx";
import { useUrlState } from "../../../../../ui/use-url-state.ts";
import { ServiceAlerts } from "../../../../alerts/_components/service-alerts.tsx";
import { ConfigurationTab } from "./configuration-tab.tsx";
import { EventsTab } from "./events-tab.tsx";
import { HealthTab } from "./health-tab.tsx";
import { InstancesTab } from "./instances-tab.tsx";
import { LogsTab } from "./logs-tab.tsx";
import { OutsidePage } from "./outside-page.tsx";
import { RecoveryTab } from "./recovery-tab.tsx";
import { ReliabilityTab } from "./reliability-tab.tsx";
import { RevisionsTab } from "./revisions-tab.tsx";
import { ServiceHeader } from "./service-header.tsx";

const tabs = [
  "health",
  "instances",
  "revisions",
  "logs",
  "events",
  "alerts",
  "reliability",
  "recovery",
  "configuration",
] as const;
type Tab = (typeof tabs)[number];

export function ServicePage({ id }: { id: string }) {
  useWatchedService(id);
  const { gone } = useLive();
  const [search, setSearch] = useUrlState();
  const tab = tabs.find((candidate) => candidate === search.get("tab")) ?? "health";
  const time = useTimeRange();
  const services = useQuery(servicesQuery).data?.services;
  const known = services?.find((service) => service.id === id);
  const isUnknown = services !== undefined && known === undefined;
  const outside = useQuery({ ...outsideQuery, enabled: isUnknown }).data?.services;
  const isOutside = isUnknown && outside?.some((service) => service.id === id) === true;
  const { data, error, refetch, errorUpdatedAt } = useQuery({
    ...serviceQuery(id),
    enabled: !isUnknown || (outside !== undefined && !isOutside),
  });
  const alerts = useQuery(liveAlertsQuery()).data?.items ?? [];
  const found = data?.service ?? known;
  const [service] = found ? judgeByAlerts([found], alerts) : [];
  const firing = wantedByService(alerts).get(id)?.length ?? 0;

  if (isOutside && !data) return <OutsidePage id={id} />;
  if (error && !data) {
    return codeOf(error) === "not-found" ? (
      <OutsidePage id={id} />
    ) : (
      <ErrorNotice
        className="m-4"
        what={`${id} could not be read`}
        error={error}
        since={errorUpdatedAt}
        onRetry={() => refetch()}
      />
    );
  }
  return (
    <>
      {gone.has(id) && (
        <ErrorNotice
          className="m-4 mb-0"
          what={`${id} is no more`}
          error={new Error("It was deleted or lost its label. The page shows what was last known.")}
        />
      )}
      <ServiceHeader id={id} service={service} figures={data?.serviceFigures ?? null} />
      <div role="tablist" aria-label="About this service" className={tabBarLook}>
        {tabs.map((name) => (
          <TabButton
            key={name}
            tab={name}
            isCurrent={name === tab}
            count={name === "alerts" ? firing || null : countOf(name, data)}
            onSelect={() => setSearch({ tab: name === "health" ? null : name }, { push: true })}
          />
        ))}
      </div>
      <div role="tabpanel" id={`panel-${tab}`} aria-labelledby={`tab-${tab}`}>
        {tab === "health" && <HealthTab id={id} time={time} />}
        {tab === "alerts" && <ServiceAlerts id={id} range={time.range} onRange={time.setRange} />}
        {tab === "reliability" && <ReliabilityTab id={id} service={service} />}
        {tab === "recovery" && <RecoveryTab id={id} />}
        {tab !== "health" &&
          tab !== "alerts" &&
          tab !== "reliability" &&
          tab !== "recovery" &&
          (!data ? <TableSkeleton rows={6} columns={6} /> : <DataTab tab={tab} id={id} data={data} time={time} />)}
      </div>
    </>
  );
}

type DataTabProperties = {
  tab: Exclude<Tab, "health" | "alerts" | "reliability" | "recovery">;
  id: string;
  data: ServiceAnswer;
  time: ReturnType<typeof useTimeRange>;
};

function DataTab({ tab, id, data, time }: DataTabProperties) {
  switch (tab) {
    case "instances":
      return <InstancesTab instances={data.instances} figures={data.figures} />;
    case "revisions":
      return <RevisionsTab service={data.service} />;
    case "logs":
      return <LogsTab key={id} id={id} instances={data.instances} range={time.range} />;
    case "events":
      return <EventsTab events={data.events} time={time} />;
    case "configuration":
      return <ConfigurationTab service={data.service} />;
  }
}

function countOf(tab: Tab, data: ServiceAnswer | undefined): number | null {
  if (tab === "instances") return data?.instances.length ?? null;
  if (tab === "events") return data?.events.filter((event) => event.type !== "Normal").length || null;
  return null;
}

function TabButton({
  tab,
  isCurrent,
  count,
  onSelect,
}: {
  tab: Tab;
  isCurrent: boolean;
  count: number | null;
  onSelect: () => void;
}) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (isCurrent) button.current?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [isCurrent]);
  return (
    <button
      ref={button}
      type="button"
      role="tab"
      id={`tab-${tab}`}
      aria-controls={`panel-${tab}`}
      aria-selected={isCurrent}
      tabIndex={isCurrent ? 0 : -1}
      onClick={onSelect}
      onKeyDown={(event) => {
        const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
        if (step === 0) return;
        const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
        const neighbour = document.getElementById(`tab-${next}`);
        neighbour?.focus();
        neighbour?.click();
      }}
      className={tabLook(isCurrent)}
    >
      {capital(tab)}
      {count !== null && (
        <span
          className={cn(
            "rounded-full px-1.5 text-2xs",
            tab === "events" || tab === "alerts" ? "bg-warn-soft text-warn" : "bg-hover text-ink-2",
          )}
        >
          {count}
        </span>
      )}
    </button>
  );
}
