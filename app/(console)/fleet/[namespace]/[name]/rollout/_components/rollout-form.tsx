"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import { codeOf, fieldsOf, problemOf } from "#lib/client/api.ts";
import { auditKeys } from "#lib/client/audit.ts";
import { preflightQuery, rolloutOptionsQuery, startRollout } from "#lib/client/rollout-start.ts";
import { rolloutKeys } from "#lib/client/rollouts.ts";
import type { Service } from "#lib/domain/fleet/schemas.ts";
import {
  type Blocker,
  type RolloutOptions,
  type StartRolloutInput,
  startRolloutSchema,
} from "#lib/domain/rollouts/start/start-schemas.ts";
import { strategySchema } from "#lib/domain/rollouts/strategy.ts";
import { MovedOn } from "../../../../../../ui/actions/preview-view.tsx";
import { fieldErrors } from "../../../../../../ui/field-errors.ts";
import { ErrorNotice } from "../../../../../../ui/notices.tsx";
import { SectionHeader } from "../../../../../../ui/page-header.tsx";
import { useRoleRefusal } from "../../../../../../ui/session.tsx";
import { useOrderKey } from "../../../../../../ui/use-send-key.ts";
import { useSettled } from "../../../../../../ui/use-settled.ts";
import { useStored } from "../../../../../../ui/use-stored.ts";
import { ChangeFields } from "./change-fields.tsx";
import { changeOf, type Draft, newDraft, readDraft, strategyOf, writeDraft } from "./draft.ts";
import { PreflightView } from "./preflight-view.tsx";
import { type Decision, StartSection } from "./start-section.tsx";
import { StrategyFields } from "./strategy-fields.tsx";

const undecided: Decision = { ticks: [], override: null, queue: false };

export function RolloutForm({ service, options: present }: { service: Service; options: RolloutOptions }) {
  const queries = useQueryClient();
  const router = useRouter();
  // What the person saw stays until they take over what is there now.
  const [{ options, was }, setSeen] = useState({ options: present, was: service });
  const [kept, keep] = useStored(`rollout ${service.id}`);
  const [draft, setDraft] = useState(() => readDraft(kept, present) ?? newDraft(present, service.container));
  const [reason, setReason] = useStored(`reason rollout ${service.id}`);
  const [decision, setDecision] = useState(undecided);
  const [wasSubmitted, setWasSubmitted] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const refusal = useRoleRefusal("operator");
  const keyOf = useOrderKey();
  const form = useRef<HTMLFormElement>(null);
  // Anew with each refused start; what is wrong may be far below the button.
  const [looksFor, setLooksFor] = useState<object | null>(null);
  useEffect(() => {
    if (looksFor) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [looksFor]);

  const change = (part: Partial<Draft>) => {
    const next = { ...draft, ...part };
    setDraft(next);
    keep(writeDraft(next));
  };
  const strategy = strategyOf(draft, options);
  const strategyErrors = fieldErrors(strategySchema, strategy);
  const wanted = changeOf(draft, options);
  const isComplete = wanted.change !== null && Object.keys(strategyErrors).length === 0;
  const { seen } = options;
  const asked = isComplete && wanted.change ? { strategy, change: wanted.change, seen, ticks: decision.ticks } : null;
  const settled = useSettled(asked, 400);
  const query = useQuery({ ...preflightQuery(service.id, settled), enabled: settled !== null && !busy && refusal === null });
  const preflight = asked && settled ? query.data : undefined;
  const isFresh = preflight !== undefined && !query.isPlaceholderData && JSON.stringify(asked) === JSON.stringify(settled);
  const isStale = [error, query.error].some((each) => codeOf(each) === "stale");
  const hasMovedOn = service.uid !== seen.uid || service.templateHash !== seen.templateHash;

  const takePresent = async () => {
    try {
      setSeen({ options: await queries.fetchQuery(rolloutOptionsQuery(service.id)), was: service });
      setError(null);
    } catch (caught) {
      setError(caught);
    }
  };
  const input: StartRolloutInput | null = asked && { ...asked, ...counting(decision, preflight?.blockers ?? []), reason };
  const inputErrors = input ? fieldErrors(startRolloutSchema, input) : {};

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setWasSubmitted(true);
    if (!input || busy || refusal) return;
    if (Object.keys(inputErrors).length > 0) return setLooksFor({});
    setBusy(true);
    setError(null);
    try {
      const { rolloutId } = await startRollout(service.id, input, keyOf(input));
      keep("");
      setReason("");
      router.push(rolloutId ? `/rollouts/${rolloutId}` : `/fleet/${service.id}`);
    } catch (caught) {
      setError(caught);
      setBusy(false);
    } finally {
      void queries.invalidateQueries({ queryKey: rolloutKeys.all });
      void queries.invalidateQueries({ queryKey: auditKeys.all });
    }
  };

  return (
    <form ref={form} onSubmit={submit} onKeyDown={keepEnter} noValidate>
      <div className="grid lg:grid-cols-2 lg:divide-x">
        <section aria-labelledby="rollout-change">
          <SectionHeader id="rollout-change" title="What changes" />
          <div className="p-4">
            <ChangeFields service={service} options={options} draft={draft} onChange={change} errors={wanted.errors} />
          </div>
        </section>
        <section aria-labelledby="rollout-strategy">
          <SectionHeader id="rollout-strategy" title="How" />
          <div className="p-4">
            <StrategyFields
              service={service}
              strategy={strategy}
              options={options}
              onChange={(next) => change({ strategy: next })}
              errors={strategyErrors}
            />
          </div>
        </section>
      </div>
      {(isStale || hasMovedOn) && (
        <div className="border-t p-4">
          <MovedOn
            changed={problemOf(error)?.changed}
            verb="image"
            seen={{ ...was, ...seen }}
            now={service}
            onUsePresent={() => void takePresent()}
          />
        </div>
      )}
      <PreflightView
        preflight={preflight}
        isFresh={isFresh}
        error={asked && !isStale ? query.error : null}
        waiting={refusal ?? waitingFor(wanted.change === null, Object.keys({ ...wanted.errors, ...strategyErrors }).length > 0)}
        onRetry={() => query.refetch()}
        ticks={decision.ticks}
        onTicks={(ticks) => setDecision({ ...decision, ticks })}
      />
      {error !== null && !isStale && (
        <ErrorNotice className="m-4" what={`The rollout of ${service.name} has not begun`} error={error} />
      )}
      <StartSection
        service={service}
        strategy={strategy}
        preflight={preflight}
        isFresh={isFresh}
        decision={decision}
        onDecision={setDecision}
        reason={reason}
        onReason={setReason}
        errors={wasSubmitted ? { ...inputErrors, ...fieldsOf(error) } : {}}
        busy={busy}
      />
    </form>
  );
}

/** Enter in a field must not start a rollout. */
function keepEnter(event: KeyboardEvent<HTMLFormElement>) {
  const { target } = event;
  if (event.key === "Enter" && target instanceof HTMLInputElement && event.currentTarget.contains(target)) event.preventDefault();
}

/** What was decided about blockers that are gone again is not asked for. */
function counting({ ticks, override, queue }: Decision, blockers: Blocker[]): Decision {
  return {
    ticks,
    override: blockers.some(({ canOverride }) => canOverride) ? override : null,
    queue: queue && blockers.some(({ canQueue }) => canQueue),
  };
}

function waitingFor(isUnchanged: boolean, isInvalid: boolean): string | null {
  if (isInvalid) return "What is marked above has to be mended first.";
  return isUnchanged ? "Nothing is changed yet: give another image, another template or other configuration." : null;
}
