"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { EllipsisVertical, EyeOff, Pencil, RotateCcw, Trash2 } from "lucide-react";
import { DropdownMenu as Radix } from "radix-ui";
import { type ReactNode, useState } from "react";
import { messageOf } from "#lib/client/api.ts";
import { auditKeys } from "#lib/client/audit.ts";
import { createPanel, metricsKeys, removePanel, showPanel } from "#lib/client/metrics.ts";
import { countOf } from "#lib/client/numbers.ts";
import type { HiddenPanel, Panel } from "#lib/domain/metrics/schemas.ts";
import { Button, buttonLook } from "../../../../../ui/button.tsx";
import { cn } from "../../../../../ui/class-names.ts";
import { Dialog } from "../../../../../ui/dialog.tsx";
import { ErrorNotice } from "../../../../../ui/notices.tsx";
import { useRoleRefusal } from "../../../../../ui/session.tsx";

const itemLook =
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
            <Item refusal={refusal} onSelect={() => onEdit(panel)}>
              <Pencil aria-hidden="true" /> Edit
            </Item>
            {panel.origin !== "added" && (
              <Item refusal={refusal} onSelect={() => setAsked("hide")}>
                <EyeOff aria-hidden="true" /> Hide
              </Item>
            )}
            {panel.origin !== "kind" && (
              <Item refusal={refusal} onSelect={() => setAsked("remove")}>
                {panel.origin === "replaced" ? <RotateCcw aria-hidden="true" /> : <Trash2 aria-hidden="true" />}
                {panel.origin === "replaced" ? "Back to the kind's chart" : "Remove"}
              </Item>
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

function Item({ refusal, onSelect, children }: { refusal: string | null; onSelect: () => void; children: ReactNode }) {
  return (
    <Radix.Item disabled={refusal !== null} onSelect={onSelect} className={itemLook}>
      {children}
    </Radix.Item>
  );
}

/** The kind's charts that are hidden on this service, to show them again. */
export function HiddenPanels({ id, hidden }: { id: string; hidden: readonly HiddenPanel[] }) {
  const refusal = useRoleRefusal("operator");
  const onSettled = usePanelsChanged(id);
  const restore = useMutation({
    mutationFn: (panel: HiddenPanel) => showPanel(id, panel.panelId, panel.version, false),
    onSettled,
  });
  if (hidden.length === 0) return null;
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger className={cn(buttonLook({ size: "small", look: "ghost" }), "hover:bg-hover")}>
        <EyeOff aria-hidden="true" /> {countOf(hidden.length, "hidden", "hidden")}
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align="end"
          sideOffset={4}
          collisionPadding={8}
          className="z-30 min-w-44 rounded-lg border bg-raised p-1 shadow-float"
        >
          {hidden.map((panel) => (
            <Item key={panel.panelId} refusal={refusal} onSelect={() => restore.mutate(panel)}>
              <RotateCcw aria-hidden="true" /> Show {panel.title} again
            </Item>
          ))}
          {(refusal || restore.error) && (
            <p role="alert" className="max-w-52 px-2 py-1 text-2xs text-ink-3">
              {refusal ?? messageOf(restore.error)}
            </p>
          )}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
