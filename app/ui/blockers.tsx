"use client";
import { OctagonX } from "lucide-react";
import type { ReactNode } from "react";
import type { Blocker } from "#lib/domain/rollouts/start/start-schemas.ts";
import { Check } from "./check.tsx";
import { useRoleRefusal } from "./session.tsx";

/** What keeps a rollout from starting, and below it what may be done about that. */
export function BlockersNotice({ blockers, children }: { blockers: readonly Blocker[]; children?: ReactNode }) {
  return (
    <div className="grid gap-3 rounded-md border border-bad-fill/40 bg-bad-soft px-3 py-2.5">
      <div role="alert">
        <p className="font-medium text-bad">
          {blockers.length === 1 ? "This keeps it from starting" : `${blockers.length} things keep it from starting`}
        </p>
        <ul className="mt-1 grid gap-0.5">
          {blockers.map((blocker) => (
            <li key={blocker.id} className="flex items-start gap-2">
              <OctagonX aria-hidden="true" className="mt-0.5 size-4 shrink-0 text-bad" />
              <span>
                {blocker.message}
                {!blocker.canOverride && !blocker.canQueue && <span className="text-ink-2"> Nobody can override this.</span>}
              </span>
            </li>
          ))}
        </ul>
      </div>
      {children}
    </div>
  );
}

/** An administrator's will to start in spite of blockers; others are told who can. */
export function OverrideCheck({ checked, onChange }: { checked: boolean; onChange: (checked: boolean) => void }) {
  const refusal = useRoleRefusal("admin");
  return (
    <Check
      checked={checked}
      disabled={refusal !== null}
      onChange={onChange}
      label={
        <>
          Override as administrator
          {refusal && <span className="block text-xs text-ink-2">{refusal}</span>}
        </>
      }
    />
  );
}
