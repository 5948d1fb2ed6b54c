// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { aPanel, aService } from "#lib/client/fixtures.ts";
import { fleetKeys } from "#lib/client/fleet.ts";
import { trackPanelsQuery } from "#lib/client/metrics.ts";
import { aMeasurement, aRollout } from "#lib/client/rollout-fixtures.ts";
import { latestRolloutsQuery, rolloutDetailQuery } from "#lib/client/rollouts.ts";
import { userKeys } from "#lib/client/users.ts";
import type { RolloutDetail } from "#lib/domain/rollouts/schemas.ts";
import type { Role } from "#lib/domain/users/schemas.ts";
import { ActionContext } from "../../../ui/actions/use-actions.ts";
import { IncidentContext } from "../../../ui/incidents/use-incidents.ts";
import { TooltipProvider } from "../../../ui/tooltip.tsx";
import { RolloutPage } from "./rollout-page.tsx";

vi.mock("../../../ui/live/live-provider.tsx", () => ({ useWatchedService: () => {} }));
type Sent = { url: string; body: unknown; key: string | null };
const sent: Sent[] = [];
let answers: Response[] = [];
const actions = { open: vi.fn() };
const incidents = { report: vi.fn() };
const line = (name: string, value: number) => ({
  name,
  points: [0, 60, 120].map((time): [number, number | null] => [time, value]),
});

beforeEach(() => {
  sent.length = 0;
  answers = [];
  sessionStorage.clear();
  vi.useFakeTimers({ now: Date.parse("2026-11-21T12:00:00.000Z"), toFake: ["Date"] });
  vi.spyOn(HTMLElement.prototype, "getBoundingClientRect").mockReturnValue(new DOMRect(0, 0, 600, 148));
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  );
  vi.stubGlobal("fetch", async (url: string, init: RequestInit = {}) => {
    if (init.method === "POST") {
      sent.push({ url, body: JSON.parse(String(init.body)), key: new Headers(init.headers).get("idempotency-key") });
      return answers.shift() ?? Response.json({});
    }
    // What is asked again while a test looks stays on its way.
    return new Promise(() => {});
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
  vi.clearAllMocks();
});

function show(rollout: RolloutDetail, role: Role = "operator") {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Number.POSITIVE_INFINITY } } });
  const service = aService();
  const panel = aPanel({ title: "Latency p95", unit: "seconds", series: [line("stable", 0.02), line("candidate", 0.06)] });
  queries.setQueryData(userKeys.session, { id: "u", username: "ana", name: "Ana", role });
  queries.setQueryData(fleetKeys.service(service.id), { service, instances: [], events: [], figures: {}, serviceFigures: null });
  queries.setQueryData(latestRolloutsQuery({ namespace: "fleet", service: "relay" }, 1).queryKey, {
    items: [rollout],
    nextCursor: null,
  });
  queries.setQueryData(trackPanelsQuery(service.id, { kind: "live", range: "15m" }).queryKey, {
    range: "15m",
    from: 0,
    to: 120,
    stepSeconds: 60,
    compare: null,
    isTail: false,
    tailSince: 120,
    notice: null,
    panels: [panel],
    hidden: [],
  });
  const set = (next: RolloutDetail) => queries.setQueryData(rolloutDetailQuery(rollout.id).queryKey, next);
  set(rollout);
  render(
    <QueryClientProvider client={queries}>
      <TooltipProvider>
        <ActionContext value={actions}>
          <IncidentContext value={incidents}>
            <RolloutPage id={rollout.id} />
          </IncidentContext>
        </ActionContext>
      </TooltipProvider>
    </QueryClientProvider>,
  );
  return set;
}

const button = (name: string) => screen.getByRole("button", { name });
const dialog = () => within(screen.getByRole("dialog"));
const steps = () => within(screen.getByRole("list", { name: "Steps" })).getAllByRole("listitem");

describe("the page of a rollout with a strategy", () => {
  it("says which step is carried out and how long its pause still takes", () => {
    show(aRollout());
    const current = steps().find((step) => step.getAttribute("aria-current") === "step");
    expect(current?.textContent).toMatch(/^Pause at 10 %, now30 s left/);
    expect(steps().map((step) => /, (done|now|to come|left out)/.exec(step.textContent ?? "")?.[1])).toEqual([
      "done",
      "now",
      "to come",
    ]);
  });

  it("shows who gets the traffic and by what, and moves with it", async () => {
    const change = show(aRollout());
    expect(screen.getByRole("img", { name: "Traffic: 90 % stable, 10 % candidate, by weights of its route" })).toBeDefined();
    change(aRollout({ version: 5, share: { stable: 50, candidate: 50, by: "route" } }));
    expect(await screen.findByRole("img", { name: /^Traffic: 50 % stable, 50 % candidate/ })).toBeDefined();
  });

  it("reports an incident of the rollout and its service, whose start is to be measured", () => {
    show(aRollout({ state: "aborted" }));
    fireEvent.click(button("Report an incident"));
    expect(incidents.report).toHaveBeenCalledWith({
      title: "Set image of relay to 2.1.0: aborted",
      services: ["fleet/relay"],
      links: [{ kind: "rollout", targetId: "rollout-1" }],
    });
  });

  it("draws candidate and stable on the same chart", () => {
    show(aRollout());
    expect(screen.getByRole("img", { name: "Latency p95, now: stable 20 ms, candidate 60 ms" })).toBeDefined();
  });

  it("says in a sentence why it was aborted, and offers to retry", () => {
    const message = "Aborted: Error ratio: 8 % of 90 requests failed. Bad in 2 of 3 measurements, 1 is allowed.";
    show(aRollout({ state: "aborted", message, commands: { ...aRollout().commands, retry: null } }));
    expect(screen.getByText(message).className).toContain("text-bad");
    expect(button("Retry").getAttribute("aria-disabled")).toBeNull();
    expect(screen.queryByRole("button", { name: "Abort" })).toBeNull();
    expect(screen.queryByRole("button", { name: /^Roll back/ })).toBeNull();
  });

  it("says why it stands still, since when, and offers to resume", () => {
    const hold = {
      cause: "foreign-change" as const,
      message: "The template was changed by kubectl.",
      since: "2026-11-21T11:59:00.000Z",
    };
    show(aRollout({ state: "paused", hold, commands: { ...aRollout().commands, resume: null } }));
    const notice = screen.getByText("The template was changed by kubectl.").parentElement;
    expect(notice?.textContent).toBe("Somebody else changed it, for 1 mThe template was changed by kubectl.");
    expect(button("Resume")).toBeDefined();
    expect(screen.queryByRole("button", { name: "Pause" })).toBeNull();
  });

  it("offers a pause, not a resumption, while it waits for an autoscaler, which ends by itself", () => {
    const hold = { cause: "autoscaler" as const, message: "relay scales from 3 to 5.", since: "2026-11-21T11:59:00.000Z" };
    show(aRollout({ state: "paused", hold }));
    expect(screen.getByText("It goes on by itself once that is over.")).toBeDefined();
    expect(button("Pause")).toBeDefined();
    expect(screen.queryByRole("button", { name: "Resume" })).toBeNull();
  });

  it("says which checks afterwards failed, and how many passed", () => {
    const event = (id: string, check: "passed" | "failed" | null, message: string) => ({
      id,
      at: "2026-11-21T11:59:58.000Z",
      kind: "check" as const,
      by: "Switchyard",
      check,
      message,
    });
    const events = [
      event("1", "passed", "Instances: 3 of 3."),
      event("2", "passed", "Restarts: none."),
      event("3", "failed", "Alerts: RelayDown fires."),
    ];
    show(aRollout({ state: "complete", share: null, events }));
    const checks = within(screen.getByRole("region", { name: "Checks afterwards" }));
    expect(checks.getByText("2 checks afterwards passed")).toBeDefined();
    expect(checks.getByText("Alerts: RelayDown fires.").className).toContain("text-bad");
    expect(checks.queryByText("Restarts: none.")).toBeNull();
  });

  it("offers the way back of a rollout that is complete", () => {
    show(aRollout({ state: "complete", share: null }));
    fireEvent.click(button("Roll back to revision 6"));
    expect(actions.open).toHaveBeenCalledExactlyOnceWith({ verb: "rollback", service: "fleet/relay", values: { toRevision: 6 } });
  });

  it("shows a change that was written at once as it is, without steps or commands", () => {
    show(aRollout({ strategy: null, plan: null, steps: [], share: null }));
    expect(screen.queryByRole("list", { name: "Steps" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Abort" })).toBeNull();
    expect(button("Roll back to revision 6")).toBeDefined();
  });
});

describe("the analysis of a rollout", () => {
  const measurements = [
    aMeasurement({ id: "1", at: "2026-11-21T11:59:40.000Z" }),
    aMeasurement({ id: "2", at: "2026-11-21T11:59:45.000Z", value: null, verdict: "no-data", message: "No requests." }),
    aMeasurement({
      id: "3",
      at: "2026-11-21T11:59:50.000Z",
      value: 0.08,
      verdict: "bad",
      message: "8 % of 240 requests failed, at most 1 % may.",
      test: { name: "Fisher's exact test", pValue: 0.0004, effect: 0.0771, effectName: "difference" },
    }),
  ];

  it("draws each measurement with its verdict and says of the last one why", () => {
    show(aRollout({ measurements, budget: [{ metric: "error-ratio", left: 0, of: 1 }] }));
    const metric = screen.getByRole("region", { name: "Error ratio" });
    const drawn = [...metric.querySelectorAll("[data-verdict]")].map((each) => each.getAttribute("data-verdict"));
    expect(drawn).toEqual(["good", "no-data", "bad"]);
    expect(within(metric).getByRole("img").getAttribute("aria-label")).toBe("Error ratio: 1 good, 1 bad, 1 no data; last 8.0 %");
    expect(metric.textContent).toContain("8 % of 240 requests failed, at most 1 % may.");
    expect(metric.textContent).toContain("the next bad one aborts");
  });

  it("turns into tables with `t`, with the test's figures for who doubts a verdict", () => {
    show(aRollout({ measurements }));
    fireEvent.keyDown(document.body, { key: "t" });
    const table = within(screen.getByRole("region", { name: "Error ratio, measurements" }));
    const [, newest] = table.getAllByRole("row");
    expect(newest?.textContent).toContain("Bad");
    expect(newest?.textContent).toContain("Fisher's exact test: p < 0.001, difference 0.077");
  });

  it("draws what the present attempt measured, and keeps what came before a retry in the table", () => {
    const before = aMeasurement({ id: "0", at: "2026-11-21T11:40:00.000Z", verdict: "bad", message: "It was bad then." });
    show(aRollout({ measurements: [before, ...measurements] }));
    const metric = screen.getByRole("region", { name: "Error ratio" });
    expect(metric.querySelectorAll("[data-verdict]")).toHaveLength(3);
    fireEvent.keyDown(document.body, { key: "t" });
    expect(within(metric).getByText("It was bad then.")).toBeDefined();
  });

  it("lists a metric that was not measured yet with what its budget bears", () => {
    show(aRollout({ measurements: [], budget: [{ metric: "latency-p95", left: 2, of: 2 }] }));
    expect(screen.getByText("Not measured yet.")).toBeDefined();
    expect(screen.getByText("bears 2 more bad of 2")).toBeDefined();
  });
});

describe("a command of a rollout", () => {
  const giveReason = (text: string) => fireEvent.change(dialog().getByLabelText("Reason"), { target: { value: text } });
  const submit = () => fireEvent.click(dialog().getByRole("button", { name: "Abort the rollout of relay" }));

  it("says what it will do and sends nothing without a reason", () => {
    show(aRollout());
    fireEvent.click(button("Abort"));
    expect(dialog().getByText(/^The 10 % of the traffic/)).toBeDefined();
    submit();
    expect(dialog().getByRole("alert").textContent).toMatch(/say why/i);
    expect(sent).toEqual([]);
  });

  it("is sent with the reason and a key, and leaves the page to show it", async () => {
    show(aRollout());
    fireEvent.click(button("Abort"));
    giveReason("it times out");
    submit();
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(sent).toEqual([
      { url: "/api/rollouts/rollout-1/abort", body: { reason: "it times out" }, key: expect.stringMatching(/^[0-9a-f]{32}$/) },
    ]);
  });

  it("keeps its key and its words when the server could not do it", async () => {
    show(aRollout());
    answers = [Response.json({ status: 503, code: "database-unavailable", detail: "No answer." }, { status: 503 })];
    fireEvent.click(button("Abort"));
    giveReason("it times out");
    submit();
    expect(await screen.findByText("No answer.")).toBeDefined();
    submit();
    await waitFor(() => expect(sent).toHaveLength(2));
    expect(sent[1]).toEqual(sent[0]);
  });

  it("cannot be sent once the rollout has gone on to where it makes no sense", async () => {
    const change = show(aRollout());
    fireEvent.click(button("Abort"));
    giveReason("it times out");
    change(aRollout({ version: 5, state: "complete", commands: { ...aRollout().commands, abort: "It is complete." } }));
    expect(await dialog().findByText("It is complete.")).toBeDefined();
    submit();
    expect(sent).toEqual([]);
  });

  it("is shown with the reason why it cannot be given now", () => {
    show(aRollout({ commands: { ...aRollout().commands, promote: "The candidate is not ready." } }));
    expect(button("Promote").getAttribute("aria-description")).toBe("The candidate is not ready.");
    fireEvent.click(button("Promote"));
    expect(screen.queryByRole("dialog")).toBeNull();
  });

  it("is not for a viewer, who is told so", () => {
    show(aRollout(), "viewer");
    for (const name of ["Promote", "Pause", "Skip to the end", "Abort"]) {
      expect(button(name).getAttribute("aria-description")).toMatch(/operator/);
    }
  });
});
