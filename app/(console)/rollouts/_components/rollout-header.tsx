"use client";
import Link from "next/link";
import type { ReactNode } from "react";
import { rolloutChange, rolloutTitle } from "#lib/client/action-texts.ts";
import { planWords, strategyName } from "#lib/client/rollout-view.ts";
import { isOver } from "#lib/client/rollouts.ts";
import type { RolloutDetail } from "#lib/domain/rollouts/schemas.ts";
import { useActions } from "../../../ui/actions/use-actions.ts";
import { Button } from "../../../ui/button.tsx";
import { Elapsed, TimeAgo } from "../../../ui/clock.tsx";
import { OpenIncidents } from "../../../ui/incidents/open-incidents.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { OutcomeStatus } from "../../../ui/status.tsx";

/** What a rollout is, where it is, what may be done with it, and whom to ask. */
export function RolloutHeader({ rollout, children }: { rollout: RolloutDetail; children?: ReactNode }) {
  const service = `${rollout.namespace}/${rollout.service}`;
  const facts: [string, ReactNode][] = [
    [
      "Service",
      <Link key="service" href={`/fleet/${service}`} className="font-medium text-accent hover:underline">
        {rollout.service}
      </Link>,
    ],
    ["Change", rolloutChange(rollout)],
    ...(rollout.plan
      ? ([["Strategy", `${strategyName(rollout.strategy)}: ${planWords(rollout.plan)}`]] satisfies [string, ReactNode][])
      : []),
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
          <p className={rollout.state === "failed" || rollout.state === "aborted" ? "text-bad" : "text-ink-2"}>
            {rollout.message}
          </p>
        </div>
        <div className="flex flex-wrap gap-2">{children}</div>
      </div>
      <dl className="mt-3 flex flex-wrap gap-x-7 gap-y-2">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt className="text-2xs text-ink-3">{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <OpenIncidents service={service} />
      {rollout.reason && <p className="mt-3 max-w-3xl border-l-2 border-line-strong pl-3 text-ink-2">{rollout.reason}</p>}
    </header>
  );
}

/** The way back from a change that has been made, by the one action dialog. */
export function Undo({ rollout }: { rollout: RolloutDetail }) {
  const actions = useActions();
  const refusal = useRoleRefusal("operator");
  const service = `${rollout.namespace}/${rollout.service}`;
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
