// @vitest-environment jsdom
import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ReplayAnswer } from "#lib/domain/rollouts/analysis/replay-schemas.ts";
import { defaultAnalysis } from "#lib/domain/rollouts/strategy.ts";
import { ReplayDialog } from "./replay-dialog.tsx";
import { show } from "./rollout-test-world.tsx";

const stopped: ReplayAnswer["releases"][number] = {
  auditId: "a1",
  rolloutId: "r1",
  at: "2026-11-20T10:00:00.000Z",
  verb: "image",
  actor: "ana",
  fromVersion: "2.0.0",
  toVersion: "2.0.1-slow",
  state: "complete",
  comparedBy: "version",
  outcome: "stopped",
  message: "p95 was 210 ms against 50 ms.",
  stoppedAt: "2026-11-20T10:01:20.000Z",
  afterSeconds: 80,
  metrics: [{ metric: "latency-p95", good: 0, bad: 2, noData: 0, worst: null }],
};
let asked: Record<string, unknown>[];
let answer: ReplayAnswer;

beforeEach(() => {
  asked = [];
  answer = { releases: [stopped], count: { stopped: 1, paused: 0, "let-through": 0, unknown: 0 }, leftOut: ["probe-success"] };
  vi.stubGlobal("fetch", async (_: string, init: RequestInit = {}) => {
    asked.push(JSON.parse(String(init.body)));
    return Response.json(answer);
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const onSubmit = vi.fn();
const open = () =>
  show(
    <form onSubmit={onSubmit}>
      <ReplayDialog service="fleet/relay" analysis={defaultAnalysis} onClose={() => {}} />
    </form>,
  );

describe("an analysis on past releases", () => {
  it("says which it would have stopped, when and why, and that it ended otherwise in truth", async () => {
    open();
    expect((await screen.findByText("Of 1 release it would have stopped 1.")).getAttribute("role")).toBe("status");
    expect(screen.getByText(/p95 was 210 ms against 50 ms\. It would have been stopped after 1 m 20 s\./)).toBeTruthy();
    expect(screen.getByText(", differs")).toBeTruthy();
    expect(screen.getByRole("link", { name: /2\.0\.0 → 2\.0\.1-slow/ }).getAttribute("href")).toBe("/rollouts/r1");
    expect(screen.getByText(/Left out.*probe-success/)).toBeTruthy();
    expect(asked[0]).toEqual({ analysis: defaultAnalysis, days: 30, releases: 20, minutes: 60 });
  });

  it("looks further back when asked to, without submitting the form around it", async () => {
    open();
    await screen.findByRole("status");
    fireEvent.change(screen.getByLabelText("Days back"), { target: { value: "90" } });
    fireEvent.click(screen.getByRole("button", { name: "Try" }));
    await waitFor(() => expect(asked.at(-1)).toMatchObject({ days: 90 }));
    expect(onSubmit).not.toHaveBeenCalled();
  });

  it("does not ask for what the server would refuse", async () => {
    open();
    await screen.findByRole("status");
    fireEvent.change(screen.getByLabelText("Releases at most"), { target: { value: "51" } });
    fireEvent.click(screen.getByRole("button", { name: "Try" }));
    expect(screen.getByText("Try at most 50 releases.")).toBeTruthy();
    expect(asked).toHaveLength(1);
  });

  it("says when no release is known", async () => {
    answer = { releases: [], count: { stopped: 0, paused: 0, "let-through": 0, unknown: 0 }, leftOut: [] };
    open();
    expect(await screen.findByText("No release is known in that time")).toBeTruthy();
  });
});
