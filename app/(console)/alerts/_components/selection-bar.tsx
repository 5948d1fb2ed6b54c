"use client";
import { isWanted } from "#lib/client/alert-view.ts";
import { countOf } from "#lib/client/numbers.ts";
import type { AlertRow } from "#lib/domain/alerts/schemas.ts";
import { useAlertActions } from "../../../ui/alerts/use-alert-actions.ts";
import { Button } from "../../../ui/button.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";

/** What can be done to the ticked alerts together; nothing while none is ticked. */
export function SelectionBar({ alerts, onClear }: { alerts: AlertRow[]; onClear: () => void }) {
  const actions = useAlertActions();
  const refusal = useRoleRefusal("operator");
  if (alerts.length === 0) return null;
  const wanted = alerts.filter(isWanted);
  return (
    <div className="sticky top-9 z-20 flex min-h-10 flex-wrap items-center gap-2 border-b bg-selected px-4 py-1.5">
      <span className="font-medium">{countOf(alerts.length, "alert")} chosen</span>
      <Button
        disabledReason={refusal ?? (wanted.length === 0 ? "All of them are taken or hidden already." : null)}
        onClick={() => actions.acknowledge(wanted)}
      >
        Acknowledge {wanted.length}
      </Button>
      <Button disabledReason={refusal} onClick={() => actions.silence({ alerts })}>
        Silence
      </Button>
      <Button look="ghost" onClick={onClear}>
        Clear
      </Button>
    </div>
  );
}
