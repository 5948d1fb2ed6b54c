"use client";
import Link from "next/link";
import { countOf } from "#lib/client/numbers.ts";
import { planWords, strategyName } from "#lib/client/rollout-view.ts";
import type { Service } from "#lib/domain/fleet/schemas.ts";
import type { Blocker, Preflight } from "#lib/domain/rollouts/start/start-schemas.ts";
import type { Strategy } from "#lib/domain/rollouts/strategy.ts";
import { ReasonField } from "../../../../../../ui/actions/action-fields.tsx";
import { BlockersNotice, OverrideCheck } from "../../../../../../ui/blockers.tsx";
import { Button, buttonLook } from "../../../../../../ui/button.tsx";
import { Check } from "../../../../../../ui/check.tsx";
import { Field, TextArea } from "../../../../../../ui/field.tsx";
import { SectionHeader } from "../../../../../../ui/page-header.tsx";
import { useRoleRefusal } from "../../../../../../ui/session.tsx";
import { standingBlocker } from "./draft.ts";
import type { Errors } from "./form-errors.ts";

/** What a person decides beside the change: the manual checks, to override blockers, to wait. */
export type Decision = { ticks: string[]; override: { reason: string } | null; queue: boolean };

/** What keeps it from starting, what may be done about that, the reason, and the one button. */
export function StartSection({
  service,
  strategy,
  preflight,
  isFresh,
  decision,
  onDecision,
  reason,
  onReason,
  errors,
  busy,
}: {
  service: Service;
  strategy: Strategy;
  preflight: Preflight | undefined;
  isFresh: boolean;
  decision: Decision;
  onDecision: (decision: Decision) => void;
  reason: string;
  onReason: (reason: string) => void;
  errors: Errors;
  busy: boolean;
}) {
  const refusal = useRoleRefusal("operator");
  const blockers = preflight?.blockers ?? [];
  const standing = standingBlocker(blockers, { overrides: decision.override !== null, queues: decision.queue });
  const waits = decision.queue && blockers.some(({ canQueue }) => canQueue) && standing === null;
  const version = preflight ? ` ${preflight.version.from} → ${preflight.version.to}` : "";
  const disabledReason =
    refusal ??
    (preflight === undefined
      ? "Preflight comes first."
      : !isFresh
        ? "Preflight is being computed."
        : standing
          ? standing.message
          : null);
  return (
    <>
      <section aria-labelledby="rollout-start" className="border-t">
        <SectionHeader id="rollout-start" title="Start" />
        <div className="grid max-w-3xl gap-4 p-4">
          {blockers.length > 0 && <Blockers blockers={blockers} decision={decision} onDecision={onDecision} errors={errors} />}
          <ReasonField value={reason} onChange={onReason} errors={errors.reason} />
        </div>
      </section>
      <div className="sticky bottom-0 z-10 flex flex-wrap items-center justify-end gap-2 border-t bg-canvas px-4 py-3 pb-[max(12px,env(safe-area-inset-bottom))]">
        <p className="mr-auto min-w-0 text-ink-2">
          {strategyName(strategy.kind)}: {planWords(strategy)}
          {standing ? (
            <span title={standing.message} className="block truncate text-bad">
              {standing.message}
            </span>
          ) : (
            preflight && <ChecksInShort checklist={preflight.checklist} />
          )}
        </p>
        <Link href={`/fleet/${service.id}`} className={buttonLook({ look: "ghost" })}>
          Cancel
        </Link>
        <Button type="submit" look={decision.override ? "danger" : "primary"} busy={busy} disabledReason={disabledReason}>
          {waits ? `Queue the rollout of ${service.name}` : `Roll out ${service.name}`}
          {version}
        </Button>
      </div>
    </>
  );
}

/** Beside the button, which is in sight before the checklist is. */
function ChecksInShort({ checklist }: { checklist: Preflight["checklist"] }) {
  const failed = checklist.filter(({ state }) => state === "failed").length;
  const passed = checklist.filter(({ state }) => state === "passed").length;
  return (
    <a href="#preflight" className="block text-xs hover:underline">
      {countOf(passed, "check")} passed{failed > 0 && <span className="text-warn">, {failed} failed</span>}
    </a>
  );
}

function Blockers({
  blockers,
  decision,
  onDecision,
  errors,
}: {
  blockers: Blocker[];
  decision: Decision;
  onDecision: (decision: Decision) => void;
  errors: Errors;
}) {
  const canQueue = blockers.some((blocker) => blocker.canQueue);
  const canOverride = blockers.some((blocker) => blocker.canOverride);
  const { override, queue } = decision;
  return (
    <BlockersNotice blockers={blockers}>
      {canQueue && (
        <Check
          checked={queue}
          onChange={(next) => onDecision({ ...decision, queue: next })}
          label="Wait in the queue for what ends by itself, and begin then"
        />
      )}
      {canOverride && (
        <div className="grid gap-2">
          <OverrideCheck
            checked={override !== null}
            onChange={(next) => onDecision({ ...decision, override: next ? { reason: "" } : null })}
          />
          {override && (
            <Field label="Why in spite of this" errors={errors["override.reason"]} hint="Kept with the rollout and in the audit.">
              {(ties) => (
                <TextArea
                  {...ties}
                  rows={2}
                  maxLength={500}
                  value={override.reason}
                  onChange={({ target }) => onDecision({ ...decision, override: { reason: target.value } })}
                />
              )}
            </Field>
          )}
        </div>
      )}
    </BlockersNotice>
  );
}
