// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { aPanel } from "#lib/client/fixtures.ts";
import { draftOf } from "#lib/client/panel-draft.ts";
import type { Panel, PanelsAnswer } from "#lib/domain/metrics/schemas.ts";
import { TooltipProvider } from "../../../../../ui/tooltip.tsx";
import { PanelConflict } from "./panel-conflict.tsx";

const base = aPanel({ id: "latency", panelId: "p1", version: 1, origin: "replaced", title: "Latency" });
const mine = { ...draftOf(base), title: "Latency of joins" };
const answer = (panels: Panel[], hidden: PanelsAnswer["hidden"] = []): PanelsAnswer => ({
  range: "1h",
  from: 0,
  to: 120,
  stepSeconds: 60,
  compare: null,
  isTail: false,
  tailSince: 120,
  notice: null,
  panels,
  hidden,
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function conflict(present: PanelsAnswer) {
  vi.stubGlobal("fetch", async () => Response.json(present));
  const [onKeep, onTake] = [vi.fn(), vi.fn()];
  render(
    <QueryClientProvider client={new QueryClient()}>
      <TooltipProvider>
        <PanelConflict
          id="fleet/relay"
          base={base}
          draft={mine}
          range={{ kind: "live", range: "1h" }}
          error={new Error("bob has changed this chart since; look at it again.")}
          onKeep={onKeep}
          onTake={onTake}
        />
      </TooltipProvider>
    </QueryClientProvider>,
  );
  return { onKeep, onTake };
}

it("shows what the present chart and the draft say differently, and gives the present one to whom keeps his own or takes it", async () => {
  const present = { ...base, version: 2, title: "Latency p99" };
  const { onKeep, onTake } = conflict(answer([present]));
  const row = (await screen.findByText("Latency p99")).closest("tr");
  expect(row?.textContent).toBe("TitleLatency p99Latency of joins");
  expect(screen.getByRole("alert").textContent).toContain("bob has changed this chart");
  fireEvent.click(screen.getByRole("button", { name: "Keep mine" }));
  fireEvent.click(screen.getByRole("button", { name: "Take the present chart" }));
  expect(onKeep).toHaveBeenCalledExactlyOnceWith(present);
  expect(onTake).toHaveBeenCalledExactlyOnceWith(present);
});

it("offers the draft as a new chart where the chart was removed", async () => {
  const { onKeep } = conflict(answer([]));
  fireEvent.click(await screen.findByRole("button", { name: "Keep mine as a new chart" }));
  expect(onKeep).toHaveBeenCalledExactlyOnceWith(null);
});

it("offers nothing that cannot work where the chart was hidden", async () => {
  conflict(answer([], [{ id: "latency", panelId: "p1", version: 2, title: "Latency" }]));
  expect(await screen.findByText(/hidden now/)).toBeDefined();
  expect(screen.queryAllByRole("button")).toEqual([]);
});
