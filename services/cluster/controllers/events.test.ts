import { describe, expect, it } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import { resources } from "../api.ts";
import { EventRecorder, type PlannedEvent } from "./events.ts";
import type { KubeEvent } from "./objects.ts";
import { FakeTime } from "./test/fake-time.ts";
import { MemoryCluster } from "./test/memory-cluster.ts";
import { pod } from "./test/objects.ts";

function recorder() {
  const time = new FakeTime();
  const cluster = new MemoryCluster(time);
  const events = new EventRecorder({ cluster, clock: time, logger: createLogger("events-test", "silent") });
  const source = events.source("default-scheduler");
  const list = () => cluster.list<KubeEvent>(resources.events);
  return { time, cluster, source, list, flush: () => events.flush() };
}

const failed: PlannedEvent = { type: "Warning", reason: "FailedScheduling", message: "0/3 nodes are available." };

describe("the event recorder", () => {
  it("writes who saw what about which object", async () => {
    const { source, list, flush } = recorder();
    source.record(pod("a"), failed);
    await flush();
    expect(list()).toMatchObject([
      {
        metadata: { namespace: "fleet" },
        involvedObject: { apiVersion: "v1", kind: "Pod", namespace: "fleet", name: "a", uid: "a-uid" },
        ...failed,
        count: 1,
        firstTimestamp: "2026-01-01T00:00:00Z",
        lastTimestamp: "2026-01-01T00:00:00Z",
        source: { component: "default-scheduler" },
      },
    ]);
    expect(list()[0]?.metadata.name).toMatch(/^a\.[0-9a-f]+$/);
  });

  it("counts a repeat on the event that is there", async () => {
    const { time, source, list, flush } = recorder();
    source.record(pod("a"), failed);
    source.record(pod("a"), failed);
    await flush();
    time.advance(5000);
    source.record(pod("a"), failed);
    await flush();
    expect(list()).toMatchObject([{ count: 3, firstTimestamp: "2026-01-01T00:00:00Z", lastTimestamp: "2026-01-01T00:00:05Z" }]);
  });

  it("keeps different objects and messages apart, and combines them after ten of a kind", async () => {
    const { source, list, flush } = recorder();
    source.record(pod("other"), failed);
    for (let number = 0; number < 15; number += 1) source.record(pod("a"), { ...failed, message: `try ${number}` });
    await flush();
    expect(list()).toHaveLength(12);
    const combined = list().find(({ message }) => message.startsWith("(combined from similar events): "));
    expect(combined).toMatchObject({ count: 5, message: "(combined from similar events): try 14" });
  });

  it("writes a new event when the old one has expired", async () => {
    const { cluster, source, list, flush } = recorder();
    source.record(pod("a"), failed);
    await flush();
    await cluster.delete(resources.events, "fleet", list()[0]?.metadata.name ?? "");
    source.record(pod("a"), failed);
    await flush();
    expect(list()).toMatchObject([{ count: 1 }]);
  });
});
