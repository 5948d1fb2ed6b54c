"use client";
import { useQuery } from "@tanstack/react-query";
import { DatabaseZap, Gauge, Pause, Play, Rocket, RotateCcw, RotateCw, Scaling, Tag, Unplug } from "lucide-react";
import Link from "next/link";
import { type ComponentProps, useState } from "react";
import { actorWords, changeNames, rolloutChange, verbName } from "#lib/client/action-texts.ts";
import { autoscalingQuery } from "#lib/client/autoscaling.ts";
import { readinessOf } from "#lib/client/fleet-view.ts";
import { latestChangesQuery } from "#lib/client/ledger.ts";
import { mitigationsOf } from "#lib/client/mitigations.ts";
import { objectivesQuery, worstIndicator } from "#lib/client/objectives.ts";
import { isOver, latestRolloutsQuery } from "#lib/client/rollouts.ts";
import type { ActionVerb } from "#lib/domain/actions/schemas.ts";
import type { Service, ServiceFigures } from "#lib/domain/fleet/schemas.ts";
import { alarmLimits, isAlarm } from "#lib/domain/metrics/templates.ts";
import { useActions } from "../../../../../ui/actions/use-actions.ts";
import { Button, buttonLook } from "../../../../../ui/button.tsx";
import { Age, TimeAgo } from "../../../../../ui/clock.tsx";
import { type Fact, FactList } from "../../../../../ui/facts.tsx";
import { Figure, ReadyBar, Tint } from "../../../../../ui/figure.tsx";
import { CopyButton } from "../../../../../ui/identifier.tsx";
import { OpenIncidents } from "../../../../../ui/incidents/open-incidents.tsx";
import { ReportButton } from "../../../../../ui/incidents/report-button.tsx";
import { Skeleton } from "../../../../../ui/notices.tsx";
import { Budget } from "../../../../../ui/objectives/budget.tsx";
import { RecoverabilityFact } from "../../../../../ui/recovery/recoverability-fact.tsx";
import { useRoleRefusal } from "../../../../../ui/session.tsx";
import { OutcomeShape, Status } from "../../../../../ui/status.tsx";
import { AutoscalerDialog } from "./autoscaler-dialog.tsx";

/** What is wrong, since when, what changed just before; and what can be done. */
export function ServiceHeader({
  id,
  service,
  figures,
}: {
  id: string;
  service: Service | undefined;
  figures: ServiceFigures | null;
}) {
  return (
    <header className="border-b px-4 pb-3 pt-3">
      <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-72">
          <p className="text-xs text-ink-3">
            <Link href="/fleet" className="hover:text-ink">
              Fleet
            </Link>{" "}
            / {id.split("/")[0]}
          </p>
          <h1 className="flex flex-wrap items-center gap-x-3 name text-xl font-semibold tracking-[-0.015em]">
            {id.split("/")[1]}
            {service && (
              <Tint value={service.health} className="text-sm tracking-normal">
                <Status health={service.health} />
              </Tint>
            )}
          </h1>
          <p className="text-ink-2">{service ? service.healthReason : <Skeleton className="mt-1 h-3 w-64" />}</p>
        </div>
        {service && <Actions service={service} />}
      </div>
      {service ? <Facts service={service} figures={figures} /> : <Skeleton className="mt-3 h-9 w-full max-w-2xl" />}
      <LastChange id={id} />
      <OpenIncidents service={id} />
    </header>
  );
}

/** The mitigations that every service has stand among its actions already. */
const everywhere: ReadonlySet<ActionVerb> = new Set(["rollback", "restart", "scale"]);

function Actions({ service }: { service: Service }) {
  const actions = useActions();
  const refusal = useRoleRefusal("operator");
  const open = (verb: ActionVerb) => () => actions.open({ verb, service: service.id });
  const hasAutoscaler = useQuery(autoscalingQuery(service.id)).data?.autoscaler != null;
  const [showsAutoscaler, setShowsAutoscaler] = useState(false);
  const whilePaused = refusal ?? (service.paused ? `${service.name} is paused: resume it first.` : null);
  return (
    <div role="toolbar" aria-label={`Actions on ${service.name}`} className="flex flex-wrap gap-1.5">
      <RollOut service={service} refusal={refusal} />
      <Button onClick={open("scale")} disabledReason={refusal}>
        <Scaling aria-hidden="true" /> Scale
      </Button>
      {hasAutoscaler && (
        <Button onClick={() => setShowsAutoscaler(true)}>
          <Gauge aria-hidden="true" /> Autoscaler
        </Button>
      )}
      <Button onClick={open("image")} disabledReason={refusal}>
        <Tag aria-hidden="true" /> Set image
      </Button>
      <Button onClick={open("rollback")} disabledReason={whilePaused}>
        <RotateCcw aria-hidden="true" /> Roll back
      </Button>
      <Button onClick={open("restart")} disabledReason={whilePaused}>
        <RotateCw aria-hidden="true" /> Restart
      </Button>
      {service.paused && (
        <Button look="primary" onClick={open("resume")} disabledReason={refusal}>
          <Play aria-hidden="true" /> Resume
        </Button>
      )}
      {!service.paused && service.workload === "Deployment" && (
        <Button onClick={open("pause")} disabledReason={refusal}>
          <Pause aria-hidden="true" /> Pause
        </Button>
      )}
      {mitigationsOf(service)
        .filter(({ verb }) => !everywhere.has(verb))
        .map(({ verb, label, refusal: missing }) => (
          <Button key={verb} onClick={open(verb)} disabledReason={refusal ?? missing}>
            {verb === "fail-over" ? <DatabaseZap aria-hidden="true" /> : <Unplug aria-hidden="true" />} {label}
          </Button>
        ))}
      <ReportButton draft={{ services: [service.id] }} />
      {showsAutoscaler && <AutoscalerDialog id={service.id} onClose={() => setShowsAutoscaler(false)} />}
    </div>
  );
}

function RollOut({ service, refusal }: { service: Service; refusal: string | null }) {
  const content = (
    <>
      <Rocket aria-hidden="true" /> Roll out
    </>
  );
  if (refusal) return <Button disabledReason={refusal}>{content}</Button>;
  return (
    <Link href={`/fleet/${service.id}/rollout`} className={buttonLook({ look: "primary" })}>
      {content}
    </Link>
  );
}

function Facts({ service, figures }: { service: Service; figures: ServiceFigures | null }) {
  const limits = alarmLimits(service.kind);
  const worst = worstIndicator(useQuery(objectivesQuery).data?.services[service.id]?.indicators ?? []);
  const { owner, runbook } = service.about;
  const facts: Fact[] = [
    ["Ready", <ReadyBar key="ready" {...readinessOf(service)} />],
    [
      "Version",
      <span key="version" className="inline-flex items-center gap-1.5 font-mono text-xs leading-5" title={service.image}>
        <Tint value={`${service.version} ${service.candidate?.version}`}>
          {service.version}
          {service.candidate && <span className="text-ink-3"> → {service.candidate.version}</span>}
        </Tint>
        <CopyButton text={service.image} label={`Copy the image ${service.image}`} />
      </span>,
    ],
    [
      "Revision",
      <Tint key="revision" value={service.revision}>
        {service.revision ?? "–"}
      </Tint>,
    ],
    [
      "Restarts",
      <Tint key="restarts" value={service.restarts}>
        {service.restarts}
      </Tint>,
    ],
    [
      "Errors",
      <Figure key="errors" value={figures?.errorRatio} unit="ratio" alarm={isAlarm(figures?.errorRatio, limits.errorRatio)} />,
    ],
    [
      "p95",
      <Figure
        key="p95"
        value={figures?.latencyP95Seconds}
        unit="seconds"
        alarm={isAlarm(figures?.latencyP95Seconds, limits.latencyP95Seconds)}
      />,
    ],
    ["Rate", <Figure key="rate" value={figures?.requestsPerSecond} unit="per-second" />],
    ["Error budget", worst ? <Budget key="budget" indicator={worst} /> : "–"],
    ["Recoverability", <RecoverabilityFact key="recoverability" subject={service.id} />],
    ["Kind", service.kind],
    ["Age", <Age key="age" since={service.createdAt} />],
    owner !== null && ["Owner", owner],
    ["Runbook", <Runbook key="runbook" id={service.id} address={runbook} />],
  ];
  return (
    <FactList
      facts={facts}
      className="mt-3 max-md:grid max-md:grid-cols-[repeat(auto-fill,minmax(8rem,1fr))]"
      valueLook="flex min-h-5 items-center font-medium"
    />
  );
}

/** The service's own runbook, and the one that its annotation names. An address is followed, if a browser may be sent to it; a note is read. */
function Runbook({ id, address }: { id: string; address: string | null }) {
  return (
    <span className="flex min-w-0 gap-2">
      <Link href={`/runbooks/service/${id}`} className="text-accent hover:underline">
        open
      </Link>
      {address && <NamedRunbook address={address} />}
    </span>
  );
}

function NamedRunbook({ address }: { address: string }) {
  return /^https?:\/\//.test(address) || /^\/(?!\/)/.test(address) ? (
    <a href={address} className="text-accent hover:underline" title={address}>
      linked
    </a>
  ) : (
    <span className="truncate">{address}</span>
  );
}

function LastChange({ id }: { id: string }) {
  const [namespace, name] = id.split("/");
  const rollout = useQuery(latestRolloutsQuery({ namespace, service: name }, 1)).data?.items[0];
  const changes = useQuery(latestChangesQuery).data?.changes;
  const last = changes?.[id];
  if (rollout && !isOver(rollout.state)) {
    return (
      <Change
        outcome={rollout.state}
        href={`/rollouts/${rollout.id}`}
        words={`Changing now: ${changeNames[rollout.change].toLowerCase()} ${rolloutChange(rollout)}`}
        {...rollout}
        at={rollout.startedAt}
      />
    );
  }
  if (!changes) return <Skeleton className="mt-2.5 h-4 w-80 max-w-full" />;
  if (!last) return <p className="mt-2.5 text-xs text-ink-3">No change known</p>;
  return (
    <Change
      outcome={last.rolloutState ?? last.outcome}
      href={last.rolloutId ? `/rollouts/${last.rolloutId}` : `/audit?entry=${last.id}`}
      words={`Last change: ${verbName(last.verb).toLowerCase()} ${last.title}`}
      actor={actorWords(last)}
      at={last.at}
      reason={last.reason}
      message={last.rolloutId === rollout?.id && wentWrong(rollout.state) ? rollout.message : null}
    />
  );
}

type Outcome = ComponentProps<typeof OutcomeShape>["outcome"];

const wentWrong = (outcome: Outcome) => outcome === "failed" || outcome === "aborted";

function Change(change: {
  outcome: Outcome;
  href: string;
  words: string;
  actor: string;
  at: string;
  reason: string | null;
  message: string | null;
}) {
  return (
    <p className="mt-2.5 flex flex-wrap items-center gap-x-1.5 text-xs text-ink-2">
      <OutcomeShape outcome={change.outcome} />
      <Link href={change.href} className="font-medium text-ink hover:underline">
        {change.words}
      </Link>
      <span>
        by {change.actor}, <TimeAgo at={change.at} />
      </span>
      {change.reason && <span className="min-w-0 truncate text-ink-3">“{change.reason}”</span>}
      {wentWrong(change.outcome) && change.message && <span className="text-bad">{change.message}</span>}
    </p>
  );
}
