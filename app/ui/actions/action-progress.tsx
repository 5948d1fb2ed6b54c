"use client";
import { useQuery } from "@tanstack/react-query";
import { CircleCheck, CircleX, LoaderCircle } from "lucide-react";
import Link from "next/link";
import { useEffect, useState } from "react";
import { serviceQuery } from "#lib/client/fleet.ts";
import { isOver, rolloutQuery } from "#lib/client/rollouts.ts";
import type { ActionResult, ActionVerb } from "#lib/domain/actions/schemas.ts";
import type { Service } from "#lib/domain/fleet/schemas.ts";
import { Button, buttonLook } from "../button.tsx";
import { Elapsed } from "../clock.tsx";
import { Dialog } from "../dialog.tsx";
import { RolloutProgress } from "../rollout-progress.tsx";
import { useActions } from "./use-actions.ts";

/** What the dialog becomes after the click: the rollout as it goes, then how it ended, and the way back. */
export function ActionProgress({
  verb,
  before,
  result,
  sentence,
  onClose,
}: {
  verb: ActionVerb;
  before: Service;
  result: ActionResult;
  sentence: string;
  onClose: () => void;
}) {
  const actions = useActions();
  const rollout = useQuery({ ...rolloutQuery(result.rolloutId ?? ""), enabled: result.rolloutId !== null }).data;
  const page = useQuery(serviceQuery(before.id)).data;
  const [startedAt] = useState(() => new Date().toISOString());
  const state = result.rolloutId === null ? "complete" : (rollout?.state ?? "progressing");
  const done = isOver(state);
  const [endedAt, setEndedAt] = useState<string | null>(null);
  useEffect(() => {
    if (done) setEndedAt((known) => known ?? new Date().toISOString());
  }, [done]);
  const message = state === "complete" && result.rolloutId === null ? result.message : (rollout?.message ?? result.message);
  const undo = undoOf(verb, before);

  return (
    <Dialog
      open
      onClose={onClose}
      title={sentence}
      description={`${before.namespace} · ${before.kind}`}
      footer={
        <>
          {result.rolloutId && (
            <Link href={`/rollouts/${result.rolloutId}`} onClick={onClose} className={buttonLook({ look: "ghost" })}>
              Open the rollout
            </Link>
          )}
          {undo && (state === "complete" || state === "failed") && (
            <Button onClick={() => actions.open({ service: before.id, ...undo.request })}>{undo.label}</Button>
          )}
          <Button look="primary" onClick={onClose} autoFocus>
            {done ? "Close" : "Close, it goes on"}
          </Button>
        </>
      }
    >
      <div className="grid gap-3">
        <div role="status" aria-live="polite" className="flex items-start gap-2.5">
          {state === "complete" ? (
            <CircleCheck aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-good" />
          ) : state === "failed" ? (
            <CircleX aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-bad" />
          ) : (
            <LoaderCircle aria-hidden="true" className="mt-0.5 size-4 shrink-0 animate-spin text-accent" />
          )}
          <div>
            <p className="font-medium">
              {state === "complete"
                ? "Done"
                : state === "failed"
                  ? "Failed"
                  : state === "superseded"
                    ? "Superseded"
                    : state === "paused"
                      ? "Paused"
                      : "Under way"}{" "}
              <span className="font-normal text-ink-3">
                <Elapsed from={rollout?.startedAt ?? startedAt} to={rollout?.finishedAt ?? endedAt} />
              </span>
            </p>
            <p className="text-ink-2">{message}</p>
          </div>
        </div>
        {page && result.rolloutId !== null && <RolloutProgress page={page} />}
      </div>
    </Dialog>
  );
}

function undoOf(verb: ActionVerb, before: Service) {
  switch (verb) {
    case "scale":
      return {
        label: `Scale back to ${before.desired}`,
        request: { verb: "scale" as const, values: { replicas: before.desired } },
      };
    case "image":
    case "rollback":
      if (before.revision === null) return null;
      return {
        label: `Roll back to revision ${before.revision}`,
        request: { verb: "rollback" as const, values: { toRevision: before.revision } },
      };
    case "pause":
      return { label: "Resume", request: { verb: "resume" as const } };
    case "resume":
      return { label: "Pause again", request: { verb: "pause" as const } };
    case "open-breaker":
      return { label: "Close the breaker", request: { verb: "close-breaker" as const } };
    case "close-breaker":
      return { label: "Open the breaker again", request: { verb: "open-breaker" as const } };
    case "restart":
    case "fail-over":
      return null;
  }
}
