"use client";
import { useQuery } from "@tanstack/react-query";
import { servicesQuery } from "#lib/client/fleet.ts";
import type { Feed, Health } from "#lib/domain/fleet/schemas.ts";
import { Elapsed } from "../../../ui/clock.tsx";
import { CopyButton } from "../../../ui/identifier.tsx";
import { useLive } from "../../../ui/live/live-provider.tsx";
import { ErrorNotice, TableSkeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { StatusShape } from "../../../ui/status.tsx";

const serves: Record<Feed["name"], [string, string]> = {
  kubernetes: ["Kubernetes", "The fleet, its instances, logs and every action"],
  prometheus: ["Prometheus", "Charts and figures"],
  alertmanager: ["Alertmanager", "Alerts"],
  database: ["Database", "People, tokens, rollouts and the audit"],
};
const looks: Record<Feed["state"], [string, Health, string]> = {
  connected: ["Connected", "healthy", "text-good"],
  stale: ["Stale", "degraded", "text-warn"],
  "not-connected": ["Not connected", "unknown", "text-quiet"],
};

/** What Switchyard reads from, and how that stands. */
export function ConnectionsSection() {
  const { data, error, refetch } = useQuery(servicesQuery);
  const { stream } = useLive();
  if (error && !data)
    return <ErrorNotice className="m-4" what="The connections could not be read" error={error} onRetry={() => refetch()} />;
  if (!data) return <TableSkeleton rows={4} columns={4} />;
  return (
    <>
      <SectionHeader title="Connections" />
      <ul>
        {data.feeds.map((feed) => {
          const [title, what] = serves[feed.name];
          const [word, health, color] = looks[feed.state];
          return (
            <li key={feed.name} className="grid gap-x-4 gap-y-1 border-b px-4 py-2 md:grid-cols-[9rem_11rem_1fr]">
              <span className="font-medium">{title}</span>
              <span className={`inline-flex h-5 items-center gap-1.5 font-medium ${color}`}>
                <StatusShape health={health} /> {word}
                <span className="font-normal text-ink-3">
                  <Elapsed from={feed.since} to={null} />
                </span>
              </span>
              <div className="min-w-0">
                <p className="text-ink-2">{what}</p>
                {feed.lastError && <p className="break-words text-ink">{feed.lastError}</p>}
                {feed.hint && (
                  <p className="mt-1 flex items-center gap-2">
                    <code className="min-w-0 break-all rounded-sm bg-sunken px-1.5 py-0.5 text-xs">{feed.hint}</code>
                    <CopyButton text={feed.hint} label={`Copy the hint for ${title}`} />
                  </p>
                )}
              </div>
            </li>
          );
        })}
        <li className="grid gap-x-4 border-b px-4 py-2 md:grid-cols-[9rem_11rem_1fr]">
          <span className="font-medium">This page</span>
          <span className={`inline-flex items-center gap-1.5 font-medium ${stream.state === "live" ? "text-good" : "text-warn"}`}>
            <StatusShape health={stream.state === "live" ? "healthy" : "degraded"} />{" "}
            {stream.state === "live" ? "Live" : stream.state === "lost" ? "Lost" : "Connecting"}
          </span>
          <span className="text-ink-2">Changes arrive as they happen</span>
        </li>
      </ul>
    </>
  );
}
