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
import type { Fact } from "../../../ui/facts.tsx";
import { OpenIncidents } from "../../../ui/incidents/open-incidents.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { OutcomeStatus } from "../../../ui/status.tsx";
import { ThingHeader } from "../../../ui/thing-header.tsx";

/** What a rollout is, where it is, what may be done with it, and whom to ask. */
export function RolloutHeader({ rollout, children }: { rollout: RolloutDetail; children?: ReactNode }) {
  const service = `${rollout.namespace}/${rollout.service}`;
  const facts: Fact[] = [
    [
      "Service",
      <Link key="service" href={`/fleet/${service}`} className="font-medium text-accent hover:underline">
        {rollout.service}
      </Link>,
    ],
    ["Change", rolloutChange(rollout)],
    rollout.plan && ["Strategy", `${strategyName(rollout.strategy)}: ${planWords(rollout.plan)}`],
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
    <ThingHeader
      path={[{ href: "/rollouts", label: "Rollouts" }]}
      name={rollout.namespace}
      title={rolloutTitle(rollout)}
      marks={<OutcomeStatus outcome={rollout.state} />}
      message={rollout.message}
      isWrong={rollout.state === "failed" || rollout.state === "aborted"}
      actions={children}
      facts={facts}
      reason={rollout.reason}
    >
      <OpenIncidents service={service} />
    </ThingHeader>
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
