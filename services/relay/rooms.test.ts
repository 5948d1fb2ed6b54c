import { describe, expect, it, vi } from "vitest";
import { insertAt } from "#lib/protocol/relay-delta.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { RelayMetrics } from "./metrics.ts";
import { Rooms } from "./rooms.ts";
import { MemoryStore } from "./testing/replicas-in-memory.ts";

const documentId = "0b8f0f6e-54a5-4b52-9a3e-0f5d0c1b2a3d";
const operations = Array.from({ length: 5 }, (_, index) => ({
  revision: index + 1,
  clientId: "c",
  sequence: index + 1,
  actor: "a",
  delta: insertAt(0, "x"),
}));

describe("what a replica has committed", () => {
  it("goes to the others without the history that it was moved past, which the clients here get if they lack it", async () => {
    const fanout = { publish: vi.fn(), subscribe: vi.fn(), unsubscribe: vi.fn() };
    const rooms = new Rooms({
      store: new MemoryStore(),
      fanout,
      metrics: new RelayMetrics(() => new Map()),
      historyTtlMs: 600_000,
      presenceIntervalMs: 50,
      logger: createLogger("test", "silent"),
    });
    const sent: number[] = [];
    const send = (json: Buffer) => {
      for (const { revision } of JSON.parse(json.toString()).operations ?? []) sent.push(revision);
    };
    await rooms.enter(documentId, { clientId: "d", actor: "a", isLive: true, send, restart: () => {} });
    const refused = { revision: 3, history: operations.slice(0, 3), operations: [] };
    rooms.committed(new Map([[documentId, refused]]));
    expect(fanout.publish).not.toHaveBeenCalled();
    const added = { revision: 5, history: operations.slice(1, 4), operations: operations.slice(4) };
    rooms.committed(new Map([[documentId, added]]));
    expect(fanout.publish.mock.calls).toEqual([[documentId, { operations: operations.slice(4) }]]);
    expect(sent).toEqual([1, 2, 3, 4, 5]);
  });
});
