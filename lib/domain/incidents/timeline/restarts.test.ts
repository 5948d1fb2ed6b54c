import { expect, test } from "vitest";
import type { Pod } from "#lib/kubernetes/objects.ts";
import { describeDisruptions, describeRestarts } from "./restarts.ts";

const service = { namespace: "fleet", name: "relay" };
const from = new Date("2026-03-01T12:00:00Z");
const until = new Date("2026-03-01T13:00:00Z");

type Ended = { at: string; exitCode?: number; reason?: string; signal?: number };

function pod(restartCount: number, ended: Ended | null): Pod {
  const terminated = ended && { finishedAt: ended.at, exitCode: ended.exitCode ?? 1, reason: ended.reason, signal: ended.signal };
  const container = { name: "relay", ready: true, restartCount, ...(terminated && { lastState: { terminated } }) };
  return {
    metadata: { uid: "u1", name: "relay-1", resourceVersion: "1", creationTimestamp: "2026-03-01T11:00:00Z" },
    spec: { containers: [{ name: "relay" }] },
    status: { containerStatuses: [container] },
  } as unknown as Pod;
}
const messages = (...pods: Pod[]) => describeRestarts(pods, service, from, until).map(({ message }) => message);

test("a restart within the time says which, how often and why", () => {
  const [row] = describeRestarts(
    [pod(3, { at: "2026-03-01T12:10:00Z", exitCode: 137, reason: "OOMKilled" })],
    service,
    from,
    until,
  );
  expect(row).toMatchObject({
    at: new Date("2026-03-01T12:10:00Z"),
    kind: "restart",
    message: "relay-1 restarted (3rd time): its container relay ended with exit code 137 (OOMKilled).",
    source: "restart/u1/relay/3",
    service,
  });
});

test("each count is a row of its own, and the same look gives the same", () => {
  const sources = [1, 1, 2].flatMap((count) =>
    describeRestarts([pod(count, { at: "2026-03-01T12:10:00Z" })], service, from, until).map(({ source }) => source),
  );
  expect(sources).toEqual(["restart/u1/relay/1", "restart/u1/relay/1", "restart/u1/relay/2"]);
});

test("what ended by a signal says so, and a plain error needs no word more", () => {
  expect(messages(pod(11, { at: "2026-03-01T12:10:00Z", signal: 9, reason: "Error" }))).toEqual([
    "relay-1 restarted (11th time): its container relay ended by signal 9.",
  ]);
});

test("what ended outside the time, or has not restarted, has no row", () => {
  expect(messages(pod(1, { at: "2026-03-01T11:59:59Z" }), pod(1, { at: "2026-03-01T13:00:01Z" }), pod(0, null))).toEqual([]);
});

test("an instance that the cluster took from its node says when, from where and why, once", () => {
  const taken = (status: string, at: string, reason: string): Pod => {
    const one = pod(0, null);
    const condition = { type: "DisruptionTarget", status, reason, message: "deleting", lastTransitionTime: at };
    return { ...one, spec: { ...one.spec, nodeName: "node-2" }, status: { conditions: [condition] } } as Pod;
  };
  const told = (...pods: Pod[]) => describeDisruptions(pods, service, from, until).map(({ message }) => message);
  expect(told(taken("True", "2026-03-01T12:10:00Z", "DeletionByTaintManager"))).toEqual([
    "relay-1 was taken from node-2: its node does not answer or is not to run it any more.",
  ]);
  expect(told(taken("True", "2026-03-01T12:10:00Z", "SomethingNew"))).toEqual(["relay-1 was taken from node-2: deleting."]);
  const [row] = describeDisruptions([taken("True", "2026-03-01T12:10:00Z", "DeletionByTaintManager")], service, from, until);
  expect(row).toMatchObject({ at: new Date("2026-03-01T12:10:00Z"), source: "disruption/u1", kind: "restart" });
  expect(told(taken("False", "2026-03-01T12:10:00Z", "DeletionByTaintManager"))).toEqual([]);
  expect(told(taken("True", "2026-03-01T11:10:00Z", "DeletionByTaintManager"))).toEqual([]);
  expect(told(pod(0, null))).toEqual([]);
});
