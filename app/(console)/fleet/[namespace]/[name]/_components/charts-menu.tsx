"use client";
import { useMutation } from "@tanstack/react-query";
import { ChevronDown, Download, Plus, RotateCcw } from "lucide-react";
import { DropdownMenu as Radix } from "radix-ui";
import { messageOf } from "#lib/client/api.ts";
import { grafanaAddress, showPanel } from "#lib/client/metrics.ts";
import type { HiddenPanel } from "#lib/domain/metrics/schemas.ts";
import { buttonLook } from "../../../../../ui/button.tsx";
import { cn } from "../../../../../ui/class-names.ts";
import { useRoleRefusal } from "../../../../../ui/session.tsx";
import { MenuItem, menuItemLook, usePanelsChanged } from "./panel-menu.tsx";

/** What can be done to the charts of a service: add one, show a hidden one again, take them to Grafana. */
export function ChartsMenu({ id, hidden, onAdd }: { id: string; hidden: readonly HiddenPanel[]; onAdd: () => void }) {
  const refusal = useRoleRefusal("operator");
  const onSettled = usePanelsChanged(id);
  const show = useMutation({
    mutationFn: (panel: HiddenPanel) => showPanel(id, panel.panelId, panel.version, false),
    onSettled,
  });
  return (
    <>
      {show.error && (
        <span role="alert" className="text-xs text-bad">
          {messageOf(show.error)}
        </span>
      )}
      <Radix.Root modal={false}>
        <Radix.Trigger className={cn(buttonLook({ size: "small" }), "hover:bg-hover")}>
          {hidden.length > 0 ? `Charts, ${hidden.length} hidden` : "Charts"}
          <ChevronDown aria-hidden="true" className="text-ink-3" />
        </Radix.Trigger>
        <Radix.Portal>
          <Radix.Content
            align="end"
            sideOffset={4}
            collisionPadding={8}
            className="z-30 min-w-52 rounded-lg border bg-raised p-1 shadow-float"
          >
            <MenuItem refusal={refusal} onSelect={onAdd}>
              <Plus aria-hidden="true" /> Add a chart
            </MenuItem>
            {hidden.map((panel) => (
              <MenuItem key={panel.panelId} refusal={refusal} onSelect={() => show.mutate(panel)}>
                <RotateCcw aria-hidden="true" /> Show {panel.title} again
              </MenuItem>
            ))}
            {refusal && <p className="max-w-56 px-2 pb-1 text-2xs text-ink-3">{refusal}</p>}
            <Radix.Separator className="my-1 h-px bg-line" />
            <Radix.Item asChild className={menuItemLook}>
              <a href={grafanaAddress(id)} download>
                <Download aria-hidden="true" /> Grafana dashboard (JSON)
              </a>
            </Radix.Item>
          </Radix.Content>
        </Radix.Portal>
      </Radix.Root>
    </>
  );
}
