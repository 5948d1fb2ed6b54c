import { describe, expect, it } from "vitest";
import { type ContainerView, crashDelay, type PodView, planPod } from "./pod-plan.ts";

const now = 1_000_000;

function container(view: Partial<ContainerView> = {}): ContainerView {
  return { name: "main", state: "new", stopping: false, condemned: false, ...view };
}

function pod(view: Partial<PodView> = {}): PodView {
  return {
    deleting: false,
    finished: false,
    prepared: true,
    initialized: true,
    restartPolicy: "Always",
    initContainers: [],
    containers: [container()],
    ...view,
  };
}

describe("the plan for a pod", () => {
  it("prepares volumes and address before anything starts", () => {
    expect(planPod(pod({ prepared: false }), now).steps).toEqual([{ type: "prepare" }]);
  });

  it("waits until failed volumes are due again", () => {
    expect(planPod(pod({ prepared: false, prepareAtMs: now + 5 }), now)).toEqual({ steps: [], wakeAtMs: now + 5 });
  });

  it("starts every container that is new", () => {
    const view = pod({ containers: [container({ name: "a" }), container({ name: "b" })] });
    expect(planPod(view, now).steps).toEqual([
      { type: "start", name: "a" },
      { type: "start", name: "b" },
    ]);
  });

  it("runs init containers one after the other, and the others only when all have succeeded", () => {
    const first = container({ name: "one", state: "exited", exitCode: 0 });
    const second = container({ name: "two" });
    const view = pod({ initialized: false, initContainers: [first, second] });
    expect(planPod(view, now).steps).toEqual([{ type: "start", name: "two" }]);
    const running = pod({ initialized: false, initContainers: [first, { ...second, state: "running" }] });
    expect(planPod(running, now).steps).toEqual([]);
    const done = pod({ initialized: false, initContainers: [first, { ...second, state: "exited", exitCode: 0 }] });
    expect(planPod(done, now).steps).toEqual([{ type: "initialized" }]);
  });

  it("repeats a failed init container unless the pod is never restarted", () => {
    const failed = container({ name: "init", state: "exited", exitCode: 1 });
    expect(planPod(pod({ initialized: false, initContainers: [failed] }), now).steps).toEqual([{ type: "start", name: "init" }]);
    const never = pod({ initialized: false, restartPolicy: "Never", initContainers: [failed] });
    expect(planPod(never, now).steps).toEqual([]);
  });

  it.each([
    ["Always", 0, true],
    ["Always", 1, true],
    ["OnFailure", 0, false],
    ["OnFailure", 1, true],
    ["Never", 1, false],
  ] as const)("with restartPolicy %s and exit code %i starts again: %s", (restartPolicy, exitCode, restarts) => {
    const view = pod({ restartPolicy, containers: [container({ state: "exited", exitCode })] });
    expect(planPod(view, now).steps).toEqual(restarts ? [{ type: "start", name: "main" }] : []);
  });

  it("shows a container that backs off and wakes when it is due", () => {
    const view = pod({ containers: [container({ state: "exited", exitCode: 1, retryAtMs: now + 10_000 })] });
    expect(planPod(view, now)).toEqual({ steps: [{ type: "backoff", name: "main" }], wakeAtMs: now + 10_000 });
    expect(planPod(view, now + 10_000).steps).toEqual([{ type: "start", name: "main" }]);
  });

  it("stops a condemned container once", () => {
    const condemned = container({ state: "running", condemned: true });
    expect(planPod(pod({ containers: [condemned] }), now).steps).toEqual([{ type: "stop", name: "main" }]);
    expect(planPod(pod({ containers: [{ ...condemned, stopping: true }] }), now).steps).toEqual([]);
  });

  it("starts nothing any more when the pod is deleted, and finishes when all have ended", () => {
    const running = container({ name: "a", state: "running" });
    const view = pod({ deleting: true, containers: [running, container({ name: "b" })] });
    expect(planPod(view, now).steps).toEqual([{ type: "stop", name: "a" }]);
    expect(planPod(pod({ deleting: true, containers: [container({ state: "exited", exitCode: 0 })] }), now).steps).toEqual([
      { type: "finish" },
    ]);
  });

  it("starts a sidecar before the init containers that follow it, and goes on when it has started", () => {
    const sidecar = container({ name: "side", isSidecar: true });
    const next = container({ name: "next" });
    const view = (side: Partial<ContainerView>) => pod({ initialized: false, initContainers: [{ ...sidecar, ...side }, next] });
    expect(planPod(view({}), now).steps).toEqual([{ type: "start", name: "side" }]);
    expect(planPod(view({ state: "running", started: false }), now).steps).toEqual([]);
    expect(planPod(view({ state: "running", started: true }), now).steps).toEqual([{ type: "start", name: "next" }]);
    const last = pod({ initialized: false, initContainers: [{ ...sidecar, state: "running", started: true }] });
    expect(planPod(last, now).steps).toEqual([{ type: "initialized" }]);
  });

  it("starts a sidecar again whatever the restart policy, and ends sidecars in reverse when the others have ended", () => {
    const sidecar = (name: string, view: Partial<ContainerView> = {}) =>
      container({ name, isSidecar: true, state: "running", started: true, ...view });
    const exited = sidecar("one", { state: "exited", exitCode: 0 });
    const running = container({ state: "running" });
    const alive = pod({ restartPolicy: "Never", initContainers: [exited], containers: [running] });
    expect(planPod(alive, now).steps).toEqual([{ type: "start", name: "one" }]);
    const ended = container({ state: "exited", exitCode: 0 });
    const over = pod({ restartPolicy: "Never", initContainers: [sidecar("one"), sidecar("two")], containers: [ended] });
    expect(planPod(over, now).steps).toEqual([{ type: "stop", name: "two" }]);
    const deleted = pod({ deleting: true, initContainers: [sidecar("one"), sidecar("two")], containers: [running] });
    expect(planPod(deleted, now).steps).toEqual([{ type: "stop", name: "main" }]);
  });

  it("fails a pod at its deadline, ends what runs and starts nothing more", () => {
    const running = container({ state: "running" });
    const view = pod({ deadlineAtMs: now + 5, containers: [running] });
    expect(planPod(view, now)).toEqual({ steps: [], wakeAtMs: now + 5 });
    expect(planPod(view, now + 5).steps).toEqual([{ type: "exceeded" }]);
    expect(planPod({ ...view, failed: true }, now + 5).steps).toEqual([{ type: "stop", name: "main" }]);
    expect(planPod(pod({ failed: true }), now).steps).toEqual([]);
  });

  it("starts a container whose definition changed although the policy is Never", () => {
    const changed = container({ state: "exited", exitCode: 0, renew: true });
    expect(planPod(pod({ restartPolicy: "Never", containers: [changed] }), now).steps).toEqual([{ type: "start", name: "main" }]);
  });

  it("leaves a finished pod alone", () => {
    expect(planPod(pod({ finished: true }), now).steps).toEqual([]);
  });
});

describe("crash back-off", () => {
  it("is none the first time, then 10 s doubling to 5 minutes", () => {
    let count = { restarts: 0 };
    const delays = Array.from({ length: 8 }, () => {
      const next = crashDelay(count, 1_000);
      count = next.count;
      return next.delayMs / 1000;
    });
    expect(delays).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
  });

  it("is forgotten after a run of ten minutes", () => {
    expect(crashDelay({ restarts: 6 }, 600_000)).toEqual({ delayMs: 0, count: { restarts: 1 } });
    expect(crashDelay({ restarts: 6 }, 599_999).delayMs).toBe(300_000);
  });
});
