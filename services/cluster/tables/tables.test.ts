import type { V1Pod } from "@kubernetes/client-node";
import { describe, expect, it } from "vitest";
import { podStatusText } from "./pod-table.ts";
import { humanDuration } from "./table.ts";

describe("an age", () => {
  it.each([
    [0, "0s"],
    [119, "119s"],
    [120, "2m"],
    [200, "3m20s"],
    [600, "10m"],
    [3 * 3600, "3h"],
    [3 * 3600 + 900, "3h15m"],
    [8 * 3600 + 900, "8h"],
    [47 * 3600, "47h"],
    [49 * 3600, "2d1h"],
    [9 * 86_400 + 3600, "9d"],
    [800 * 86_400, "2y70d"],
    [-5, "<invalid>"],
  ])("of %i seconds is %s", (seconds, text) => {
    expect(humanDuration(seconds)).toBe(text);
  });
});

describe("the status of a pod", () => {
  const withContainer = (state: object, rest: object = {}) =>
    ({
      metadata: {},
      spec: { containers: [{ name: "a" }] },
      status: { phase: "Running", containerStatuses: [{ name: "a", ready: false, restartCount: 0, state }], ...rest },
    }) as unknown as V1Pod;

  it.each([
    [withContainer({ running: {} }), "Running"],
    [withContainer({ waiting: { reason: "CrashLoopBackOff" } }), "CrashLoopBackOff"],
    [withContainer({ terminated: { exitCode: 3 } }), "ExitCode:3"],
    [withContainer({ terminated: { exitCode: 137, signal: 9 } }), "Signal:9"],
    [withContainer({ terminated: { exitCode: 0, reason: "Completed" } }), "Completed"],
    [withContainer({}, { phase: "Failed", reason: "Evicted" }), "Evicted"],
    [
      withContainer(
        { waiting: { reason: "PodInitializing" } },
        { initContainerStatuses: [{ name: "i", state: { terminated: { exitCode: 1 } } }] },
      ),
      "Init:ExitCode:1",
    ],
  ])("%# is told in kubectl's word %s", (pod, text) => {
    expect(podStatusText(pod)).toBe(text);
  });

  it("is Terminating once it is being deleted", () => {
    const pod = withContainer({ running: {} });
    expect(podStatusText({ ...pod, metadata: { deletionTimestamp: new Date() } })).toBe("Terminating");
  });
});
