"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import type { ReactNode } from "react";
import { rolloutChange, rolloutTitle } from "#lib/client/action-texts.ts";
import { ApiError } from "#lib/client/api.ts";
import { serviceQuery } from "#lib/client/fleet.ts";
import { isOver, latestRolloutsQuery, rolloutQuery } from "#lib/client/rollouts.ts";
import type { RolloutView } from "#lib/domain/rollouts/schemas.ts";
import { useActions } from "../../../ui/actions/use-actions.ts";
import { Button } from "../../../ui/button.tsx";
import { Elapsed, TimeAgo } from "../../../ui/clock.tsx";
import { useWatchedService } from "../../../ui/live/live-provider.tsx";
import { Empty, ErrorNotice, Skeleton } from "../../../ui/notices.tsx";
import { SectionHeader } from "../../../ui/page-header.tsx";
import { RolloutProgress } from "../../../ui/rollout-progress.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { OutcomeStatus } from "../../../ui/status.tsx";

export function RolloutPage({ id }: { id: string }) {
  const { data, error, refetch, errorUpdatedAt } = useQuery(rolloutQuery(id));
  if (error && !data) {
    return error instanceof ApiError && error.code === "not-found" ? (
      <Empty title="There is no such rollout">
        <Link href="/rollouts" className="text-accent hover:underline">
          See all rollouts
        </Link>
      </Empty>
    ) : (
      <ErrorNotice
        className="m-4"
        what="The rollout could not be read"
        error={error}
        since={errorUpdatedAt}
        onRetry={() => refetch()}
      />
    );
  }
  if (!data) return <Skeleton className="m-4 h-24 max-w-3xl" />;
  return <LoadedRollout rollout={data} />;
}

function LoadedRollout({ rollout }: { rollout: RolloutView }) {
  const service = `${rollout.namespace}/${rollout.service}`;
  useWatchedService(service);
  const page = useQuery(serviceQuery(service));
  const newest = useQuery(latestRolloutsQuery({ namespace: rollout.namespace, service: rollout.service }, 1)).data?.items[0];
  const isNewest = newest === undefined || newest.id === rollout.id;
  const facts: [string, ReactNode][] = [
    [
      "Service",
      <Link key="service" href={`/fleet/${service}`} className="font-medium text-accent hover:underline">
        {rollout.service}
      </Link>,
    ],
    ["Change", rolloutChange(rollout)],
    [
      "Revision",
      rollout.fromRevision === null && rollout.toRevision === null
        ? "–"
        : `${rollout.fromRevision ?? "–"} → ${rollout.toRevision ?? "–"}`,
    ],
    ["By", rollout.actor],
    ["Started", <TimeAgo key="started" at={rollout.startedAt} />],
    [isOver(rollout.state) ? "Took" : "So far", <Elapsed key="took" from={rollout.startedAt} to={rollout.finishedAt} />],
    [
      "Audit",
      <Link key="audit" href={`/audit?entry=${rollout.auditId}`} className="text-accent hover:underline">
        entry
      </Link>,
    ],
  ];
  return (
    <>
      <header className="border-b px-4 py-3">
        <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
          <div className="min-w-0 flex-1 basis-72">
            <p className="text-xs text-ink-3">
              <Link href="/rollouts" className="hover:text-ink">
                Rollouts
              </Link>{" "}
              / {rollout.namespace}
            </p>
            <h1 className="flex flex-wrap items-center gap-x-3 text-xl font-semibold tracking-[-0.015em]">
              {rolloutTitle(rollout)}
              <span className="text-sm tracking-normal" role="status" aria-live="polite">
                <OutcomeStatus outcome={rollout.state} />
              </span>
            </h1>
            <p className={rollout.state === "failed" ? "text-bad" : "text-ink-2"}>{rollout.message}</p>
          </div>
          {isNewest && <Undo rollout={rollout} service={service} />}
        </div>
        <dl className="mt-3 flex flex-wrap gap-x-7 gap-y-2">
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt className="text-2xs text-ink-3">{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        {rollout.reason && <p className="mt-3 max-w-3xl border-l-2 border-line-strong pl-3 text-ink-2">{rollout.reason}</p>}
      </header>
      <SectionHeader title={isOver(rollout.state) ? "The service now" : "Progress"} />
      <div className="max-w-3xl p-4">
        {page.data ? (
          <RolloutProgress page={page.data} />
        ) : page.error ? (
          <ErrorNotice what={`${service} could not be read`} error={page.error} onRetry={() => page.refetch()} />
        ) : (
          <Skeleton className="h-40" />
        )}
      </div>
    </>
  );
}

function Undo({ rollout, service }: { rollout: RolloutView; service: string }) {
  const actions = useActions();
  const refusal = useRoleRefusal("operator");
  if (rollout.change === "scale" && rollout.fromReplicas !== null) {
    const replicas = rollout.fromReplicas;
    return (
      <Button disabledReason={refusal} onClick={() => actions.open({ verb: "scale", service, values: { replicas } })}>
        Scale back to {replicas}
      </Button>
    );
  }
  if (rollout.fromRevision === null) return null;
  const toRevision = rollout.fromRevision;
  return (
    <Button
      disabledReason={refusal}
      look={rollout.state === "failed" ? "primary" : "plain"}
      onClick={() => actions.open({ verb: "rollback", service, values: { toRevision } })}
    >
      Roll back to revision {toRevision}
    </Button>
  );
}
