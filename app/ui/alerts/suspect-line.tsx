"use client";
import { useQuery } from "@tanstack/react-query";
import { Footprints, History, RotateCcw } from "lucide-react";
import Link from "next/link";
import { actorWords, changeNames, rolloutChange, verbName } from "#lib/client/action-texts.ts";
import { isOver, latestRolloutsQuery, rolloutQuery } from "#lib/client/rollouts.ts";
import { capital } from "#lib/client/words.ts";
import type { Suspect } from "#lib/domain/alerts/schemas.ts";
import { formatDuration } from "#lib/domain/duration.ts";
import { useActions } from "../actions/use-actions.ts";
import { Button, buttonLook } from "../button.tsx";
import { cn } from "../class-names.ts";
import { TimeAgo } from "../clock.tsx";
import { AbortButton } from "../rollouts/abort-button.tsx";
import { useRoleRefusal } from "../session.tsx";

const nameOf = (service: string) => service.split("/")[1] ?? service;

/** "Set image of relay by ana": what was done, to what, by whom. */
export function suspectWords(suspect: Suspect): string {
  const name = verbName(suspect.verb);
  return `${name} ${name === changeNames.image || suspect.verb === "template" ? "of " : ""}${nameOf(suspect.service)} by ${actorWords(suspect)}`;
}

/** Where a suspect is followed: its rollout, else its entry in the audit. */
export const suspectAddress = ({ rolloutId, auditId }: Suspect) =>
  rolloutId ? `/rollouts/${rolloutId}` : `/audit?entry=${auditId}`;

/** The closest suspect of an alert in one line. */
export function SuspectLine({ suspect, className }: { suspect: Suspect; className?: string }) {
  return (
    <p className={cn("flex min-w-0 items-center gap-1.5 text-xs text-ink-2", className)}>
      <Footprints aria-hidden="true" className="size-3.5 shrink-0 text-warn" />
      <span className="min-w-0 truncate" title={`${suspect.closeness}${suspect.reason ? `: “${suspect.reason}”` : ""}`}>
        <span className="text-ink-3">{formatDuration(suspect.secondsBefore * 1000)} before:</span>{" "}
        <Link href={suspectAddress(suspect)} tabIndex={-1} className="font-medium text-ink hover:underline">
          {suspectWords(suspect)}
        </Link>
        {suspect.reason && <span className="text-ink-3"> “{suspect.reason}”</span>}
      </span>
    </p>
  );
}

/** What was done to a service since stands at its closest suspect only. */
export const isClosest = ({ service, auditId }: Suspect, suspects: readonly Suspect[]) =>
  suspects.find((suspect) => suspect.service === service)?.auditId === auditId;

const undoable = ["image", "restart", "scale"];

/** Takes back what a suspect did, by the dialog that every action goes through; null for what cannot be taken back. */
export function SuspectUndo({
  suspect,
  isPrimary = false,
  isClosest = true,
  reason,
}: {
  suspect: Suspect;
  isPrimary?: boolean;
  /** Of several changes of one service only the closest says what came since: it is the same for all of them. */
  isClosest?: boolean;
  /** What the dialog's reason begins with. */
  reason?: string;
}) {
  const actions = useActions();
  const refusal = useRoleRefusal("operator");
  const rollout = useQuery({ ...rolloutQuery(suspect.rolloutId ?? ""), enabled: suspect.rolloutId !== null }).data;
  const look = isPrimary ? "primary" : "plain";
  const { service } = suspect;
  const verb = suspect.verb.split(".").at(-1) ?? suspect.verb;
  const [namespace, name] = service.split("/");
  const latest = useQuery(latestRolloutsQuery({ namespace, service: name }, 1)).data?.items[0];
  // What came since would be undone with it, so that is what the reader is shown instead.
  if (latest && latest.id !== suspect.rolloutId && latest.startedAt > suspect.at) {
    if (!isClosest) return null;
    const done = latest.change === "rollback" ? "rolled back" : "changed again";
    const words = isOver(latest.state) ? done : `being ${done}`;
    return (
      <Link href={`/rollouts/${latest.id}`} className={buttonLook()} title={latest.reason ?? undefined}>
        <History aria-hidden="true" /> {capital(words)} by {latest.actor} <TimeAgo at={latest.startedAt} className="text-ink-3" />
      </Link>
    );
  }
  if (!undoable.includes(verb) && !rollout) return null;
  // While a strategy is carried out it is aborted, not rolled back: traffic goes back first.
  if (rollout && rollout.strategy !== null && !isOver(rollout.state)) {
    return <AbortButton rolloutId={rollout.id} look={look} />;
  }
  // The way back from a rollback leads to what somebody went back from.
  if (rollout?.change === "rollback") return null;
  if (rollout?.change === "scale" || verb === "scale") {
    const replicas = rollout?.fromReplicas;
    if (replicas === null || replicas === undefined) return null;
    return (
      <Button
        look={look}
        disabledReason={refusal}
        onClick={() => actions.open({ verb: "scale", service, values: { replicas }, reason })}
      >
        <RotateCcw aria-hidden="true" /> Scale {nameOf(service)} back to {replicas}
      </Button>
    );
  }
  const toRevision = rollout?.fromRevision ?? undefined;
  return (
    <Button
      look={look}
      disabledReason={refusal}
      tooltip={rollout ? `Takes back ${rolloutChange(rollout)}` : undefined}
      onClick={() => actions.open({ verb: "rollback", service, values: toRevision === undefined ? {} : { toRevision }, reason })}
    >
      <RotateCcw aria-hidden="true" /> Roll back {nameOf(service)}
      {toRevision === undefined ? "" : ` to revision ${toRevision}`}
    </Button>
  );
}
