import { describe, expect, it } from "vitest";
import type { ContainerState, ContainerStatus, Pod, PodSpec, PodStatus } from "./pod.ts";
import { buildStatus, isSameStatus, type StatusInput } from "./pod-status.ts";

const now = "2026-01-01T00:00:10Z";

function status(name: string, state: ContainerState, more: Partial<ContainerStatus> = {}): ContainerStatus {
  return { name, state, lastState: {}, ready: false, restartCount: 0, image: "x", imageID: "", ...more };
}

const running: ContainerState = { running: { startedAt: "2026-01-01T00:00:00Z" } };
const ended = (exitCode: number): ContainerState => ({
  terminated: { exitCode, reason: exitCode === 0 ? "Completed" : "Error", finishedAt: "2026-01-01T00:00:05Z" },
});
const crashing: ContainerState = { waiting: { reason: "CrashLoopBackOff" } };

function input(containers: ContainerStatus[], spec: Partial<PodSpec> = {}, previous: PodStatus = {}): StatusInput {
  const metadata = { name: "p", namespace: "n", uid: "u", resourceVersion: "1" };
  const pod: Pod = { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [], ...spec }, status: previous };
  return {
    pod,
    hostIP: "127.10.0.1",
    podIP: "127.10.10.2",
    startTime: "2026-01-01T00:00:00Z",
    prepared: true,
    initialized: true,
    initContainers: [],
    containers,
    now,
  };
}

const phaseOf = (containers: ContainerStatus[], spec: Partial<PodSpec> = {}) => buildStatus(input(containers, spec)).phase;
const condition = (built: PodStatus, type: string) => built.conditions?.find((entry) => entry.type === type);

describe("a pod's phase", () => {
  it("is Pending while a container has never run", () => {
    expect(phaseOf([status("a", { waiting: { reason: "ImagePullBackOff" } }), status("b", running)])).toBe("Pending");
  });

  it("stays Running while a container waits to be started again", () => {
    expect(phaseOf([status("a", crashing, { lastState: ended(1) })])).toBe("Running");
  });

  it.each([
    ["Always", 0, "Running"],
    ["OnFailure", 0, "Succeeded"],
    ["OnFailure", 1, "Running"],
    ["Never", 0, "Succeeded"],
    ["Never", 3, "Failed"],
  ] as const)("with restartPolicy %s after exit code %i is %s", (restartPolicy, code, phase) => {
    expect(phaseOf([status("a", ended(code))], { restartPolicy })).toBe(phase);
  });

  it("is Failed with its reason when a pod that failed by itself has ended, not before", () => {
    const failure = { reason: "DeadlineExceeded", message: "too long" };
    const alive = buildStatus({ ...input([status("a", running)], {}, { phase: "Running" }), failure });
    expect([alive.phase, alive.reason]).toEqual(["Running", undefined]);
    const over = buildStatus({ ...input([status("a", ended(137))], {}, { phase: "Running" }), failure });
    expect([over.phase, over.reason, over.message]).toEqual(["Failed", "DeadlineExceeded", "too long"]);
  });

  it("is Running while only a sidecar runs, which counts for readiness", () => {
    const spec = { restartPolicy: "Never", initContainers: [{ name: "s", image: "x", restartPolicy: "Always" }] } as const;
    const given = input([status("a", ended(0))], { ...spec, initContainers: [...spec.initContainers] });
    const beside = status("s", running, { started: true });
    expect(buildStatus({ ...given, initContainers: [beside] }).phase).toBe("Running");
    expect(buildStatus({ ...given, initContainers: [status("s", ended(143))] }).phase).toBe("Succeeded");
    const both = { ...given, containers: [status("a", running, { ready: true })], initContainers: [beside] };
    expect(condition(buildStatus(both), "Initialized")?.status).toBe("True");
    expect(condition(buildStatus(both), "ContainersReady")).toMatchObject({
      status: "False",
      message: expect.stringContaining("[s]"),
    });
  });

  it("is Failed when an init container failed in a pod that is never restarted", () => {
    const given = input([status("a", { waiting: { reason: "PodInitializing" } })], { restartPolicy: "Never" });
    expect(buildStatus({ ...given, initialized: false, initContainers: [status("i", ended(1))] }).phase).toBe("Failed");
  });

  it.each([
    ["Always", running, "Running"],
    ["Always", ended(0), "Succeeded"],
    ["Always", ended(143), "Failed"],
    ["OnFailure", ended(143), "Failed"],
    ["Always", crashing, "Failed"],
  ] as const)("with restartPolicy %s is final once nothing of a deleted pod runs (%j: %s)", (restartPolicy, state, phase) => {
    const given = input([status("a", state, { lastState: ended(1) })], { restartPolicy }, { phase: "Running" });
    given.pod.metadata.deletionTimestamp = now;
    expect(buildStatus(given).phase).toBe(phase);
  });

  it("stays final", () => {
    expect(buildStatus(input([status("a", running)], {}, { phase: "Failed" })).phase).toBe("Failed");
  });
});

describe("a pod's conditions", () => {
  it("name the containers that are not ready", () => {
    const built = buildStatus(input([status("a", running, { ready: true }), status("b", running)]));
    expect(condition(built, "Ready")).toMatchObject({
      status: "False",
      reason: "ContainersNotReady",
      message: "containers with unready status: [b]",
    });
  });

  it("keep the transition time while the status stays, and renew it when it changes", () => {
    const before = "2026-01-01T00:00:01Z";
    const conditions = [{ type: "Ready", status: "True" as const, lastTransitionTime: before }];
    const same = buildStatus(input([status("a", running, { ready: true })], {}, { conditions }));
    expect(condition(same, "Ready")?.lastTransitionTime).toBe(before);
    const changed = buildStatus(input([status("a", running)], {}, { conditions }));
    expect(condition(changed, "Ready")?.lastTransitionTime).toBe(now);
  });

  it("carry over what the scheduler and others wrote", () => {
    const conditions = [
      { type: "PodScheduled", status: "True" as const, lastTransitionTime: "2026-01-01T00:00:00Z" },
      { type: "DisruptionTarget", status: "True" as const, reason: "EvictionByEvictionAPI" },
    ];
    const built = buildStatus(input([status("a", running)], {}, { conditions }));
    expect(condition(built, "PodScheduled")?.lastTransitionTime).toBe("2026-01-01T00:00:00Z");
    expect(condition(built, "DisruptionTarget")?.reason).toBe("EvictionByEvictionAPI");
  });

  it("wait for readiness gates", () => {
    const spec = { readinessGates: [{ conditionType: "example.com/weighted" }] } as unknown as Partial<PodSpec>;
    const built = buildStatus(input([status("a", running, { ready: true })], spec));
    expect(condition(built, "ContainersReady")?.status).toBe("True");
    expect(condition(built, "Ready")).toMatchObject({ status: "False", reason: "ReadinessGatesNotReady" });
  });
});

it("finds two statuses the same whatever the order of their fields", () => {
  expect(isSameStatus({ a: 1, b: { c: [1, 2] } }, { b: { c: [1, 2] }, a: 1 })).toBe(true);
  expect(isSameStatus({ a: [1, 2] }, { a: [2, 1] })).toBe(false);
});
