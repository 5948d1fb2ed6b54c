import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { insertAt, textOf } from "#lib/protocol/relay-delta.ts";
import type { CommittedOperation, PresenceEvent } from "#lib/protocol/relay-messages.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { type Member, Room } from "./room.ts";
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
  const publishPresence = vi.fn<(events: PresenceEvent[]) => void>();
  return {
    store,
    publishPresence,
    room: new Room({ documentId, revision: count, store, historyTtlMs, presenceIntervalMs: 50, publishPresence, logger }),
  };
}

async function catchUp(room: Room, since: number): Promise<number[]> {
  const seen: number[] = [];
  for (let at = since; at < room.revision; at = seen.at(-1) ?? room.revision) {
    for (const { revision } of await room.page(at)) seen.push(revision);
  }
  return seen;
}

/** A client of a room, and what it is sent. */
class Client implements Member {
  readonly actor = "someone";
  readonly isLive = true;
  readonly sent: Buffer[] = [];
  dispensable = 0;
  readonly clientId: string;

  constructor(clientId: string) {
    this.clientId = clientId;
  }

  get events(): PresenceEvent[] {
    return this.sent.flatMap((json) => JSON.parse(json.toString()).events as PresenceEvent[]);
  }

  send(json: Buffer, isDispensable = false): void {
    this.sent.push(json);
    if (isDispensable) this.dispensable += 1;
  }

  restart(): void {}
}

describe("presence in a document", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance", "setTimeout", "setImmediate"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const come = (room: Room, name: string, count: number) =>
    Array.from({ length: count }, (_, index) => {
      const client = new Client(`${name}${index}`);
      room.members.add(client);
      room.arrive(client);
      return client;
    });
  const moves = (client: Client, position: number): PresenceEvent => ({
    event: "cursor",
    clientId: client.clientId,
    cursor: { position, length: 0 },
  });

  it("costs each client one message, put into words once, when a thousand come at once", () => {
    const { room, publishPresence } = openRoom(0, 0);
    const [first, second] = come(room, "early", 2);
    vi.advanceTimersByTime(50);
    const late = come(room, "late", 1000);
    vi.advanceTimersByTime(50);
    for (const client of [first, second]) {
      expect(client?.sent).toHaveLength(2);
      expect(client?.events.slice(2)).toEqual(
        late.map(({ clientId, actor }): PresenceEvent => ({ event: "join", clientId, actor })),
      );
    }
    for (const { sent } of late) {
      expect(sent).toHaveLength(1);
      expect(sent[0]).toBe(late[0]?.sent[0]);
    }
    expect(late[0]?.events.map(({ clientId }) => clientId)).toEqual([...room.members].map(({ clientId }) => clientId));
    expect(publishPresence.mock.calls.map(([events]) => events.length)).toEqual([2, 1000]);
  });

  it("does not reach a client that has not caught up, nor is that one told of", () => {
    const { room } = openRoom(0, 0);
    const [early] = come(room, "early", 1);
    const late = new Client("late");
    room.members.add(late);
    vi.advanceTimersByTime(50);
    if (early) room.presence.add(moves(early, 1));
    vi.advanceTimersByTime(50);
    expect([early?.sent, late.sent]).toEqual([[], []]);
    room.arrive(late);
    vi.advanceTimersByTime(50);
    expect(late.events.map(({ event, clientId }) => [event, clientId])).toEqual([
      ["join", "early0"],
      ["join", "late"],
    ]);
    expect(early?.events.map(({ event, clientId }) => [event, clientId])).toEqual([["join", "late"]]);
  });

  it("goes out at the end of the tick when it was quiet, then once in its interval, all of it and in order", () => {
    const { room, publishPresence } = openRoom(0, 0);
    const [mover, watcher] = come(room, "client", 2);
    if (!mover || !watcher) throw new Error("nobody came");
    vi.advanceTimersByTime(1000);
    watcher.sent.length = 0;
    room.presence.add(moves(mover, 1));
    expect(watcher.sent).toHaveLength(0);
    vi.advanceTimersByTime(0);
    expect(watcher.events).toEqual([moves(mover, 1)]);
    room.presence.add(moves(mover, 2));
    room.presence.hear([moves(new Client("far"), 3)]);
    room.leave(mover);
    vi.advanceTimersByTime(49);
    expect(watcher.sent).toHaveLength(1);
    come(room, "other", 1);
    vi.advanceTimersByTime(1);
    expect(watcher.sent).toHaveLength(2);
    expect(watcher.events.slice(1).map(({ event, clientId }) => [event, clientId])).toEqual([
      ["cursor", mover.clientId],
      ["cursor", "far"],
      ["leave", mover.clientId],
      ["join", "other0"],
    ]);
    expect(publishPresence.mock.lastCall?.[0].map(({ event }) => event)).toEqual(["cursor", "leave", "join"]);
  });

  it("tells the only client of a replica what clients of another one do, also when it has only just come", () => {
    const { room } = openRoom(0, 0);
    const far = new Client("far");
    const events: PresenceEvent[] = [
      { event: "join", clientId: "far", actor: "a" },
      moves(far, 1),
      { event: "typing", clientId: "far", typing: true },
      { event: "leave", clientId: "far" },
    ];
    const [only] = come(room, "client", 1);
    room.hearPresence(events);
    vi.advanceTimersByTime(50);
    expect(only?.events).toEqual([{ event: "join", clientId: "client0", actor: "someone" }, ...events]);
    room.hearPresence(events);
    vi.advanceTimersByTime(50);
    expect(only?.events.slice(5)).toEqual(events);
    room.presence.add(moves(new Client("client0"), 1));
    vi.advanceTimersByTime(50);
    expect(only?.sent).toHaveLength(2);
  });

  it("does not take a client for gone that is there on a newer connection, here or elsewhere", () => {
    const { room, publishPresence } = openRoom(0, 0);
    const [old, watcher] = come(room, "client", 2);
    if (!old || !watcher) throw new Error("nobody came");
    const again = new Client(old.clientId);
    room.members.add(again);
    room.arrive(again);
    room.leave(old);
    vi.advanceTimersByTime(50);
    expect(watcher.events.filter(({ event }) => event === "leave")).toEqual([]);
    publishPresence.mockClear();
    room.hearPresence([{ event: "leave", clientId: again.clientId }]);
    vi.advanceTimersByTime(50);
    expect(watcher.events.at(-1)).toEqual({ event: "join", clientId: again.clientId, actor: "someone" });
    expect(publishPresence.mock.calls).toEqual([[[{ event: "join", clientId: again.clientId, actor: "someone" }]]]);
  });

  it("of many clients that all move stays within its bytes a second, with the newest place of each, and may be left out", () => {
    const { room } = openRoom(0, 0);
    const clients = come(room, "client", 500);
    vi.advanceTimersByTime(60_000);
    for (const client of clients) client.sent.length = 0;
    const seconds = 30;
    for (let turn = 0; turn < seconds * 20; turn += 1) {
      for (const client of clients) room.presence.add(moves(client, turn));
      vi.advanceTimersByTime(50);
    }
    const [first] = clients;
    const bytes = clients.reduce((sum, { sent }) => sum + sent.reduce((all, { length }) => all + length, 0), 0);
    expect(bytes / seconds).toBeLessThan(20 * 1024 * 1024);
    expect(first?.sent.length).toBeGreaterThan(5);
    for (const json of first?.sent ?? []) expect(JSON.parse(json.toString()).events).toHaveLength(500);
    expect(first?.dispensable).toBe(first?.sent.length);
  });

  it("is published at once when the last client of a replica has gone", () => {
    const { room, publishPresence } = openRoom(0, 0);
    const [only] = come(room, "client", 1);
    vi.advanceTimersByTime(50);
    if (only) room.leave(only);
    expect(publishPresence.mock.lastCall?.[0]).toEqual([{ event: "leave", clientId: "client0" }]);
  });
});

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

  it("does not take a database that cannot be read for a document that has gone back", async () => {
    const { store, room } = openRoom(1, 600_000);
    store.operations.push(...operations(3).slice(1));
    vi.spyOn(store, "operationsAfter").mockRejectedValueOnce(new Error("away"));
    await expect(room.reach(3)).rejects.toThrow("away");
    expect(await room.reach(3)).toBe(true);
    expect(await room.reach(4)).toBe(false);
  });

  it("reads again when the reading that is under way began too early", async () => {
    const { store, room } = openRoom(1, 600_000);
    vi.spyOn(store, "operationsAfter").mockResolvedValueOnce([]);
    room.notice(2);
    store.operations.push(...operations(3).slice(1));
    expect(await room.reach(3)).toBe(true);
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
