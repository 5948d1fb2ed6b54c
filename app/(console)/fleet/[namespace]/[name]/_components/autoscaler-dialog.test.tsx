// @vitest-environment jsdom
import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AutoscalingView, LimitsPreview } from "#lib/domain/autoscaling/schemas.ts";
import type { Role } from "#lib/domain/users/schemas.ts";
import { show } from "../rollout/_components/rollout-test-world.tsx";
import { AutoscalerDialog } from "./autoscaler-dialog.tsx";

type Sent = { path: string; body: unknown; key: string | null };
const patient = { timeout: 10_000 };
const view: AutoscalingView = {
  autoscaler: {
    name: "hub",
    uid: "uid-hpa",
    minReplicas: 3,
    maxReplicas: 20,
    currentReplicas: 3,
    desiredReplicas: 3,
    lastScaledAt: null,
    movement: null,
    problem: null,
  },
  timed: null,
  foreign: null,
  past: [],
};
const preview: LimitsPreview = {
  changes: [{ field: "minReplicas", before: "3", after: "6" }],
  revertAt: "2026-11-21T13:00:00.000Z",
  forecast: {
    now: 3,
    peak: 20,
    parts: { stable: 20, candidate: 0, surge: 0 },
    room: 4,
    short: 13,
    message: "13 of the 20 instances would find no room.",
    notes: [],
  },
};
let sent: Sent[];
let answer: AutoscalingView;
const onClose = vi.fn();

beforeEach(() => {
  sent = [];
  answer = view;
  sessionStorage.clear();
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  );
  vi.stubGlobal("fetch", async (path: string, init: RequestInit = {}) => {
    if (path.includes("dryRun")) return Response.json(preview);
    if (init.method !== "POST") return Response.json(answer);
    sent.push({ path, body: JSON.parse(String(init.body)), key: new Headers(init.headers).get("idempotency-key") });
    return Response.json({}, { status: 201 });
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const open = (role: Role = "operator") => show(<AutoscalerDialog id="fleet/hub" onClose={onClose} />, role);
const type = (label: string, value: string) => fireEvent.change(screen.getByLabelText(label), { target: { value } });

describe("the dialog of an autoscaler", () => {
  it("names the autoscaler and shows what other limits would do before they are sent", async () => {
    open();
    expect(await screen.findByText(/hub keeps 3 to 20 instances/)).toBeTruthy();
    type("At least", "6");
    expect(await screen.findByText("13 of the 20 instances would find no room.", {}, patient)).toBeTruthy();
    expect(sent).toEqual([]);
  });

  it("sends the limits with their time, the reason and what was seen, once", async () => {
    open();
    await screen.findByText(/hub keeps/);
    type("At least", "6");
    type("For", "2 h");
    const button = () => screen.getByRole("button", { name: "Set 6 to 20 for a while" });
    fireEvent.click(button());
    expect(screen.getByText(/Say why/)).toBeTruthy();
    expect(sent).toEqual([]);
    type("Reason", "the launch");
    fireEvent.click(button());
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]?.path).toBe("/api/services/fleet/hub/autoscaling");
    expect(sent[0]?.key).toMatch(/^[0-9a-f]{32}$/);
    expect(sent[0]?.body).toEqual({
      minReplicas: 6,
      maxReplicas: 20,
      durationSeconds: 7200,
      reason: "the launch",
      seen: { uid: "uid-hpa", minReplicas: 3, maxReplicas: 20 },
    });
  });

  it("says that the least is more than the most, and sends nothing", async () => {
    open();
    await screen.findByText(/hub keeps/);
    type("At least", "30");
    expect(screen.getByText("The most must not be less than the least.")).toBeTruthy();
    type("Reason", "the launch");
    fireEvent.click(screen.getByRole("button", { name: /^Set/ }));
    expect(sent).toEqual([]);
  });

  it("shows until when other limits hold, and puts them back before that", async () => {
    answer = {
      ...view,
      timed: {
        id: "t1",
        auditId: "a1",
        before: { min: 3, max: 20 },
        to: { min: 6, max: 20 },
        startedAt: new Date().toISOString(),
        revertAt: new Date(Date.now() + 3_600_000).toISOString(),
        actor: "ana",
        reason: "the launch",
        endedAt: null,
        outcome: null,
      },
    };
    open();
    expect((await screen.findByRole("status")).textContent).toMatch(/Reverts by itself in .* Set by ana now: “the launch”/);
    type("Reason", "it is over");
    fireEvent.click(screen.getByRole("button", { name: "Go back to 3 to 20 now" }));
    await waitFor(() => expect(sent).toMatchObject([{ path: "/api/services/fleet/hub/autoscaling/revert" }]));
    expect(sent[0]?.body).toEqual({ reason: "it is over" });
  });

  it("does not let a viewer change anything, and says why", async () => {
    open("viewer");
    await screen.findByText(/hub keeps/);
    type("At least", "6");
    type("Reason", "the launch");
    const button = screen.getByRole("button", { name: /^Set/ });
    expect(button.getAttribute("aria-description")).toMatch(/operator/);
    fireEvent.click(button);
    expect(sent).toEqual([]);
  });
});
