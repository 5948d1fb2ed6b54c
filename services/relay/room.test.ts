import { describe, expect, it, vi } from "vitest";
import { insertAt, textOf } from "#lib/protocol/relay-delta.ts";
import type { CommittedOperation } from "#lib/protocol/relay-messages.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { Room } from "./room.ts";
import { MemoryStore } from "./testing/replicas-in-memory.ts";

const clientId = "1b8f0f6e-54a5-4b52-9a3e-0f5d0c1b2a3d";
const operations = (count: number): CommittedOperation[] =>
  Array.from({ length: count }, (_, index) => ({
    revision: index + 1,
    clientId,
    sequence: index + 1,
    actor: "a",
    delta: insertAt(0, "x"),
  }));

function openRoom(count: number, historyTtlMs: number) {
  const store = new MemoryStore();
  store.operations.push(...operations(count));
  const logger = createLogger("test", "silent");
  const documentId = "0b8f0f6e-54a5-4b52-9a3e-0f5d0c1b2a3d";
  return { store, room: new Room({ documentId, revision: count, store, historyTtlMs, logger }) };
}

async function catchUp(room: Room, since: number): Promise<number[]> {
  const seen: number[] = [];
  for (let at = since; at < room.revision; at = seen.at(-1) ?? room.revision) {
    for (const { revision } of await room.page(at)) seen.push(revision);
  }
  return seen;
}

describe("a document on one replica", () => {
  it.each([
    ["which memory has", 600_000],
    ["which only the database has any more", 0],
  ])("gives what follows any revision, without a gap, %s", async (_, ttlMs) => {
    const { store, room } = openRoom(0, ttlMs);
    const reads = vi.spyOn(store, "operationsAfter");
    store.operations.push(...operations(40));
    room.deliver(operations(40));
    for (let since = 0; since <= 40; since += 1) {
      const following = Array.from({ length: 40 - since }, (_, index) => since + index + 1);
      expect(await catchUp(room, since)).toEqual(following);
    }
    expect(reads.mock.calls.length > 0).toBe(ttlMs === 0);
  });

  it("brings a snapshot that lies far back up to date, once for all who join, before a client gets it", async () => {
    const { store, room } = openRoom(20_000, 600_000);
    const writes = vi.spyOn(store, "writeSnapshot");
    const snapshots = await Promise.all(Array.from({ length: 10 }, () => room.snapshot()));
    for (const { revision, document } of snapshots) {
      expect(revision).toBe(20_000);
      expect(textOf(document)).toHaveLength(20_000);
    }
    expect(writes).toHaveBeenCalledTimes(1);
    await room.snapshot();
    expect(writes).toHaveBeenCalledTimes(1);
  });

  it("leaves a client that joins at most 1,000 operations to read after the snapshot, however long the history is", async () => {
    const { store, room } = openRoom(0, 600_000);
    for (const operation of operations(5000)) {
      store.operations.push(operation);
      room.deliver([operation]);
      if (operation.revision % 97 === 0) {
        const { revision } = await room.snapshot();
        expect(operation.revision - revision).toBeLessThan(1000);
      }
    }
  });
});
