"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { EllipsisVertical, EyeOff, Pencil, RotateCcw, Trash2 } from "lucide-react";
import { DropdownMenu as Radix } from "radix-ui";
import { type ReactNode, useState } from "react";
import { auditKeys } from "#lib/client/audit.ts";
import { createPanel, metricsKeys, removePanel, showPanel } from "#lib/client/metrics.ts";
import type { Panel } from "#lib/domain/metrics/schemas.ts";
import { Button, buttonLook } from "../../../../../ui/button.tsx";
import { cn } from "../../../../../ui/class-names.ts";
import { Dialog } from "../../../../../ui/dialog.tsx";
import { ErrorNotice } from "../../../../../ui/notices.tsx";
import { useRoleRefusal } from "../../../../../ui/session.tsx";

export const menuItemLook =
  "flex h-7 cursor-pointer items-center gap-2 rounded-md px-2 outline-none data-[disabled]:cursor-not-allowed data-[disabled]:opacity-50 data-[highlighted]:bg-hover [&_svg]:size-3.5 [&_svg]:text-ink-3";

/** After each change of a service's charts. */
export function usePanelsChanged(id: string) {
  const queries = useQueryClient();
  return () => {
    void queries.invalidateQueries({ queryKey: metricsKeys.panels(id) });
    void queries.invalidateQueries({ queryKey: auditKeys.all });
  };
}

/** What can be done to one chart. */
export function PanelMenu({ id, panel, onEdit }: { id: string; panel: Panel; onEdit: (panel: Panel) => void }) {
  const refusal = useRoleRefusal("operator");
  const onSettled = usePanelsChanged(id);
  const [asked, setAsked] = useState<"hide" | "remove" | null>(null);
  const change = useMutation({
    mutationFn: async () => {
      if (!panel.panelId) return createPanel(id, { replaces: panel.id, hidden: true });
      if (asked === "hide") return showPanel(id, panel.panelId, panel.version, true);
      return removePanel(id, panel.panelId, panel.version);
    },
    onSuccess: () => setAsked(null),
    onSettled,
  });
  const words = dialogWords(panel, asked);
  return (
    <>
      <Radix.Root modal={false}>
        <Radix.Trigger
          aria-label={`Change ${panel.title}`}
          className={cn(buttonLook({ look: "ghost", size: "icon" }), "size-6 hover:bg-hover hover:text-ink")}
        >
          <EllipsisVertical aria-hidden="true" />
        </Radix.Trigger>
        <Radix.Portal>
          <Radix.Content
            align="end"
            sideOffset={4}
            collisionPadding={8}
            className="z-30 min-w-44 rounded-lg border bg-raised p-1 shadow-float"
          >
            <MenuItem refusal={refusal} onSelect={() => onEdit(panel)}>
              <Pencil aria-hidden="true" /> Edit
            </MenuItem>
            {panel.origin !== "added" && (
              <MenuItem refusal={refusal} onSelect={() => setAsked("hide")}>
                <EyeOff aria-hidden="true" /> Hide
              </MenuItem>
            )}
            {panel.origin !== "kind" && (
              <MenuItem refusal={refusal} onSelect={() => setAsked("remove")}>
                {panel.origin === "replaced" ? <RotateCcw aria-hidden="true" /> : <Trash2 aria-hidden="true" />}
                {panel.origin === "replaced" ? "Back to the kind's chart" : "Remove"}
              </MenuItem>
            )}
            {refusal && <p className="max-w-52 px-2 py-1 text-2xs text-ink-3">{refusal}</p>}
          </Radix.Content>
        </Radix.Portal>
      </Radix.Root>
      {asked && (
        <Dialog
          open
          onClose={() => setAsked(null)}
          title={words.title}
          footer={
            <>
              <Button look="ghost" onClick={() => setAsked(null)}>
                Cancel
              </Button>
              <Button look="primary" busy={change.isPending} onClick={() => change.mutate()}>
                {words.title}
              </Button>
            </>
          }
        >
          <p className="text-ink-2">{words.effect}</p>
          {change.error && <ErrorNotice className="mt-3" what="Not done" error={change.error} />}
        </Dialog>
      )}
    </>
  );
}

function dialogWords({ title, origin }: Panel, asked: "hide" | "remove" | null): { title: string; effect: string } {
  if (asked === "hide") {
    return {
      title: `Hide ${title}`,
      effect: "Nobody sees this chart on this service any more. Nothing is lost: “hidden” above the charts brings it back.",
    };
  }
  if (origin === "replaced") {
    return {
      title: `Bring the kind's ${title} back`,
      effect:
        "This service's own chart and its expressions are deleted; the chart that every service of its kind has is shown again.",
    };
  }
  return {
    title: `Remove ${title}`,
    effect: "The chart and its expressions are deleted for everybody. What Prometheus measured stays.",
  };
}

export function MenuItem({ refusal, onSelect, children }: { refusal: string | null; onSelect: () => void; children: ReactNode }) {
  return (
    <Radix.Item disabled={refusal !== null} onSelect={onSelect} className={menuItemLook}>
      {children}
    </Radix.Item>
  );
}
