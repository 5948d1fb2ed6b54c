"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import type { ReactNode } from "react";
import { judgeByAlerts } from "#lib/client/alert-view.ts";
import { liveAlertsQuery } from "#lib/client/alerts.ts";
import { codeOf } from "#lib/client/api.ts";
import { serviceQuery, servicesQuery } from "#lib/client/fleet.ts";
import { rolloutOptionsQuery } from "#lib/client/rollout-start.ts";
import { useWatchedService } from "../../../../../../ui/live/live-provider.tsx";
import { Empty, ErrorNotice, TableSkeleton } from "../../../../../../ui/notices.tsx";
import { Status } from "../../../../../../ui/status.tsx";
import { RolloutForm } from "./rollout-form.tsx";

/** One page from the wish to the start: what changes, how it is carried out, what speaks against it. */
export function RolloutStartPage({ id }: { id: string }) {
  useWatchedService(id);
  const known = useQuery(servicesQuery).data?.services.find((each) => each.id === id);
  const page = useQuery(serviceQuery(id));
  const found = known ?? page.data?.service;
  const alerts = useQuery(liveAlertsQuery()).data?.items ?? [];
  const [service] = found ? judgeByAlerts([found], alerts) : [];
  const options = useQuery(rolloutOptionsQuery(id));
  const [namespace, name] = id.split("/");
  return (
    <>
      <header className="border-b px-4 py-3">
        <p className="text-xs text-ink-3">
          <Link href="/fleet" className="hover:text-ink">
            Fleet
          </Link>{" "}
          / {namespace} /{" "}
          <Link href={`/fleet/${id}`} className="hover:text-ink">
            {name}
          </Link>
        </p>
        <h1 className="flex flex-wrap items-center gap-x-3 text-xl font-semibold tracking-[-0.015em]">
          <span>
            Roll out <span className="name">{name}</span>
          </span>
          {service && <Status health={service.health} reason={service.healthReason} className="text-sm tracking-normal" />}
        </h1>
        {service && (
          <p className="text-ink-2">
            Version {service.version}. {service.healthReason}
          </p>
        )}
      </header>
      {service && options.data ? (
        <RolloutForm key={id} service={service} options={options.data} />
      ) : (
        <Waiting
          error={options.error ?? (service ? null : page.error)}
          onRetry={() => (options.error ? options : page).refetch()}
        />
      )}
    </>
  );
}

function Waiting({ error, onRetry }: { error: Error | null; onRetry: () => void }): ReactNode {
  if (!error) return <TableSkeleton rows={8} columns={2} />;
  if (codeOf(error) === "not-found") {
    return (
      <Empty title="There is no such service">
        <Link href="/fleet" className="text-accent hover:underline">
          See the fleet
        </Link>
      </Empty>
    );
  }
  return <ErrorNotice className="m-4" what="What can be rolled out could not be read" error={error} onRetry={onRetry} />;
}
