import { describe, expect, test } from "vitest";
import type { Pod } from "#lib/kubernetes/objects.ts";
import { findLastRestart, isFailing, readPodStatus } from "./pod-status.ts";
import { deployment, type PodOptions, pod, replicaSet, trouble } from "./test-objects.ts";

const owner = replicaSet(deployment());
const make = (options: PodOptions = {}): Pod => pod(owner, "relay-1", options);
const statusOf = (options: PodOptions = {}) => readPodStatus(make(options)).status;

describe("the status is what kubectl shows", () => {
  test("for a pod that runs, waits, or has ended", () => {
    expect(readPodStatus(make())).toEqual({ status: "Running", message: null, ready: true, restarts: 0 });
    expect(statusOf({ container: trouble.imagePull })).toBe("ImagePullBackOff");
    expect(statusOf({ container: trouble.crashLoop })).toBe("CrashLoopBackOff");
    expect(
      statusOf({ status: { phase: "Succeeded" }, container: { state: { terminated: { exitCode: 0, reason: "Completed" } } } }),
    ).toBe("Completed");
    expect(statusOf({ container: { state: { terminated: { exitCode: 3 } } } })).toBe("ExitCode:3");
    expect(statusOf({ container: { state: { terminated: { exitCode: 137, signal: 9 } } } })).toBe("Signal:9");
  });

  test("for a pod that no node has room for, with the scheduler's words", () => {
    const conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/3 nodes are available" }];
    const status = { phase: "Pending", conditions, containerStatuses: [] };
    expect(readPodStatus(make({ status }))).toMatchObject({
      status: "Pending",
      message: "0/3 nodes are available",
      ready: false,
    });
  });

  test("for a pod that ends, is evicted, or whose node is lost", () => {
    expect(statusOf({ deleting: true })).toBe("Terminating");
    expect(statusOf({ deleting: true, status: { reason: "NodeLost" } })).toBe("Unknown");
    expect(statusOf({ status: { phase: "Failed", reason: "Evicted", containerStatuses: [] } })).toBe("Evicted");
    expect(statusOf({ deleting: true, status: { phase: "Failed", reason: "Evicted", containerStatuses: [] } })).toBe("Evicted");
  });

  test("for a pod whose first containers have not finished", () => {
    const spec = { initContainers: [{ name: "migrate" }, { name: "warm" }] };
    const waiting = (state: object) => ({
      phase: "Pending",
      conditions: [],
      initContainerStatuses: [
        { name: "migrate", ready: true, restartCount: 0, state: { terminated: { exitCode: 0 } } },
        { name: "warm", ready: false, restartCount: 2, state },
      ],
    });
    expect(statusOf({ spec, status: waiting({ running: {} }) })).toBe("Init:1/2");
    expect(statusOf({ spec, status: waiting({ waiting: { reason: "PodInitializing" } }) })).toBe("Init:1/2");
    expect(statusOf({ spec, status: waiting({ waiting: { reason: "CrashLoopBackOff" } }) })).toBe("Init:CrashLoopBackOff");
    expect(statusOf({ spec, status: waiting({ terminated: { exitCode: 2 } }) })).toBe("Init:ExitCode:2");
    expect(readPodStatus(make({ spec, status: waiting({ running: {} }) })).restarts).toBe(2);
  });

  test("for a pod of several containers, of which the first that is in trouble counts", () => {
    const containerStatuses = [
      { name: "relay", ready: false, restartCount: 2, state: { waiting: { reason: "CrashLoopBackOff" } } },
      { name: "sidecar", ready: false, restartCount: 1, state: { waiting: { reason: "ErrImagePull" } } },
    ];
    expect(readPodStatus(make({ status: { containerStatuses } }))).toMatchObject({ status: "CrashLoopBackOff", restarts: 3 });
  });

  test("for a pod of which one container is done and another runs", () => {
    const containerStatuses = [
      { name: "relay", ready: true, restartCount: 0, state: { running: {} } },
      { name: "once", ready: false, restartCount: 0, state: { terminated: { exitCode: 0, reason: "Completed" } } },
    ];
    expect(statusOf({ status: { containerStatuses } })).toBe("Running");
    expect(statusOf({ status: { containerStatuses, conditions: [{ type: "Ready", status: "False" }] } })).toBe("NotReady");
  });
});

test("the last restart tells its reason, its exit code and its time", () => {
  expect(findLastRestart(make())).toBeNull();
  expect(findLastRestart(make({ container: trouble.crashLoop }))).toEqual({
    reason: "Error",
    exitCode: 78,
    at: "2026-11-01T10:05:00Z",
  });
});

test("only statuses that do not mend themselves count as failing", () => {
  for (const status of [
    "ImagePullBackOff",
    "ErrImagePull",
    "CrashLoopBackOff",
    "Init:CrashLoopBackOff",
    "OOMKilled",
    "ExitCode:1",
    "Evicted",
  ]) {
    expect(isFailing(status), status).toBe(true);
  }
  for (const status of [
    "Running",
    "Pending",
    "ContainerCreating",
    "PodInitializing",
    "Init:0/2",
    "Terminating",
    "Completed",
    "ExitCode:0",
  ]) {
    expect(isFailing(status), status).toBe(false);
  }
});
