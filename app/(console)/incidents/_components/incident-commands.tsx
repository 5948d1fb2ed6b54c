"use client";
import { BookCheck, CircleCheckBig, type LucideIcon, RotateCcw, Search, ShieldCheck, UserCheck } from "lucide-react";
import { useEffect, useState } from "react";
import { commandNames, isPlain, shownCommands } from "#lib/client/incident-view.ts";
import { sendIncidentCommand } from "#lib/client/incidents.ts";
import type { IncidentCommand, IncidentDetail } from "#lib/domain/incidents/schemas.ts";
import { Button } from "../../../ui/button.tsx";
import { isGoing } from "../../../ui/keys.ts";
import { ErrorNotice } from "../../../ui/notices.tsx";
import { useRoleRefusal } from "../../../ui/session.tsx";
import { IncidentCommandDialog } from "./incident-command-dialog.tsx";
import { useIncidentWrite } from "./use-incident-write.ts";

const icons: Record<IncidentCommand, LucideIcon> = {
  acknowledge: UserCheck,
  assess: Search,
  mitigate: ShieldCheck,
  resolve: CircleCheckBig,
  reopen: RotateCcw,
  document: BookCheck,
};

/** What brings the incident further; what may not be done now stays there with the reason. `a` acknowledges. */
export function IncidentCommandButtons({ incident }: { incident: IncidentDetail }) {
  const roleRefusal = useRoleRefusal("operator");
  const [opened, setOpened] = useState<IncidentCommand | null>(null);
  const write = useIncidentWrite();
  const { shown, next } = shownCommands(incident);
  const refusalOf = (command: IncidentCommand) => roleRefusal ?? incident.commands[command];
  const give = (command: IncidentCommand) =>
    isPlain(command) ? write.mutate(() => sendIncidentCommand(incident.id, command, {})) : setOpened(command);
  const canAcknowledge = shown.includes("acknowledge") && refusalOf("acknowledge") === null && !write.isPending;
  useKey("a", canAcknowledge ? () => give("acknowledge") : null);
  return (
    <>
      {shown.map((command) => {
        const Icon = icons[command];
        return (
          <Button
            key={command}
            look={command === next ? "primary" : "plain"}
            busy={write.isPending && isPlain(command)}
            disabledReason={refusalOf(command)}
            aria-keyshortcuts={command === "acknowledge" ? "a" : undefined}
            onClick={() => give(command)}
          >
            <Icon aria-hidden="true" /> {commandNames[command]}
          </Button>
        );
      })}
      {write.error !== null && <ErrorNotice what="Not done" error={write.error} />}
      {opened && (
        <IncidentCommandDialog command={opened} incident={incident} refusal={refusalOf(opened)} onClose={() => setOpened(null)} />
      )}
    </>
  );
}

function useKey(key: string, act: (() => void) | null) {
  useEffect(() => {
    if (!act) return;
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key !== key || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isGoing()) return;
      if (event.target instanceof HTMLElement && event.target.closest("input,textarea,select,[role=dialog]")) return;
      if (document.querySelector('[role="dialog"]')) return;
      event.preventDefault();
      act();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  });
}
