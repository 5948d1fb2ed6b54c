import { EventEmitter } from "node:events";
import { setImmediate as macrotask } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { WebSocket } from "ws";
import { apply, type Delta, deleteAt, formatAt, insertAt, textOf } from "#lib/protocol/relay-delta.ts";
import { type CommittedOperation, clientMessageSchema, decode, serverMessageSchema } from "#lib/protocol/relay-messages.ts";
import { type OperationRefused, RelaySync } from "#lib/protocol/relay-sync.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import type { CommitOutcome } from "./committer.ts";
import { RelayMetrics } from "./metrics.ts";
import { orderSubmissions, type Submission } from "./ordering.ts";
import { Rooms } from "./rooms.ts";
import { Session, type SessionContext } from "./session.ts";
import type { DocumentReader } from "./store.ts";

const documentId = "0b8f0f6e-54a5-4b52-9a3e-0f5d0c1b2a3d";
const logger = createLogger("test", "silent");
const metrics = new RelayMetrics(() => new Map());

/** PostgreSQL: one order for all replicas. */
class MemoryStore implements DocumentReader {
  readonly operations: CommittedOperation[] = [];
  #snapshot: { revision: number; document: Delta } = { revision: 0, document: [] };

  async open(): Promise<number> {
    return this.operations.length;
  }

  async revisions(): Promise<Map<string, number>> {
    return new Map([[documentId, this.operations.length]]);
  }

  async operationsAfter(_: string, revision: number, limit: number): Promise<CommittedOperation[]> {
    return this.operations.slice(revision, revision + Math.min(limit, 3));
  }

  async snapshot() {
    return structuredClone(this.#snapshot);
  }

  async writeSnapshot(): Promise<number> {
    const { revision, document } = this.#snapshot;
    const following = this.operations.slice(revision);
    this.#snapshot = {
      revision: this.operations.length,
      document: following.reduce((current, { delta }) => apply(current, delta), document),
    };
    return this.#snapshot.revision;
  }
}

type Queued = { submission: Submission; resolve: (outcome: CommitOutcome) => void };

/** A replica with the real rooms and sessions. What it commits, and what it hears from the others, waits until it is its turn. */
class Replica {
  readonly #store: MemoryStore;
  readonly #rooms: Rooms;
  readonly queue: Queued[] = [];
  readonly heard: CommittedOperation[][] = [];
  readonly context: SessionContext;

  constructor(name: string, store: MemoryStore, publish: (from: Replica, operations: CommittedOperation[]) => void) {
    this.#store = store;
    const fanout = {
      subscribe: () => {},
      unsubscribe: () => {},
      publish: (_: string, { operations }: { operations?: CommittedOperation[] }) => {
        if (operations) publish(this, operations);
      },
    };
    this.#rooms = new Rooms({ store, fanout, metrics, historyTtlMs: 600_000, logger });
    this.context = {
      rooms: this.#rooms,
      store,
      metrics,
      faults: { inject: async () => false },
      logger,
      submit: (submission) => new Promise((resolve) => this.queue.push({ submission, resolve })),
      replica: name,
      version: "0",
      limits: {
        joinTimeoutMs: 1000,
        maxBufferedBytes: 1_000_000,
        heartbeatIntervalMs: 1000,
        heartbeatTimeoutMs: 1000,
        cursorThrottleMs: 50,
        typingDebounceMs: 500,
      },
    };
  }

  commit(count = this.queue.length): void {
    const batch = this.queue.splice(0, count);
    const { operations: history } = this.#store;
    const base = Math.min(history.length, ...batch.map(({ submission }) => submission.base));
    const known = history.slice(base);
    const ordered = orderSubmissions(
      history.length,
      known,
      batch.map(({ submission }) => submission),
    );
    history.push(...ordered.operations);
    const operations = [...known, ...ordered.operations];
    this.#rooms.committed(new Map([[documentId, { revision: history.length, operations }]]));
    batch.forEach(({ resolve }, index) => {
      resolve(ordered.outcomes[index] ?? { kind: "unknown" });
    });
  }

  refuse(): void {
    this.queue.shift()?.resolve({ kind: "overloaded" });
  }

  hear(isLost: boolean): void {
    const operations = this.heard.shift();
    if (operations && !isLost) this.#rooms.received(documentId, { replica: "another", operations });
  }

  /** What the comparison of revisions does once a second. */
  compare(): void {
    this.#rooms.committed(new Map([[documentId, { revision: this.#store.operations.length, operations: [] }]]));
  }
}

/** A session's side of a connection; what it sends waits until it is delivered or lost. */
class Wire extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  readonly bufferedAmount = 0;
  readonly toClient: string[] = [];
  readonly toReplica: string[] = [];
  closedWith: number | undefined;

  send(json: string, done?: () => void): void {
    this.toClient.push(json);
    done?.();
  }

  close(code: number): void {
    this.closedWith ??= code;
    this.cut();
  }

  terminate(): void {
    this.cut();
  }

  cut(): void {
    if (this.readyState !== this.OPEN) return;
    this.readyState = 3;
    this.emit("close");
  }
}

/** A user of the real client state, without sockets. */
class Editor {
  readonly sync: RelaySync;
  readonly acknowledged: { sequence: number; revision: number }[] = [];
  readonly refused: string[] = [];
  readonly closeCodes: number[] = [];
  snapshots = 0;
  seen: number[] = [];
  edits = 0;
  isPaused = false;
  #wire: Wire | undefined;

  constructor(clientId: string) {
    this.sync = new RelaySync(clientId, {
      send: (message) => this.#wire?.toReplica.push(JSON.stringify(message)),
      submitted: () => {},
      settled: () => {},
      pause: () => {
        this.isPaused = true;
      },
      operation: ({ revision }) => this.seen.push(revision),
      snapshot: ({ revision }) => {
        this.seen = [revision];
        this.snapshots += 1;
      },
      presence: () => {},
    });
  }

  get isConnected(): boolean {
    return this.#wire !== undefined;
  }

  edit(delta: Delta): void {
    this.edits += 1;
    this.sync.submit(delta).then(
      (acknowledged) => this.acknowledged.push(acknowledged),
      (error: OperationRefused) => this.refused.push(error.code),
    );
  }

  connect(replica: Replica): void {
    this.drop();
    const wire = new Wire();
    this.#wire = wire;
    const identity = { documentId, actor: "a", permissions: ["read" as const, "write" as const], expiresAtMs: Number.MAX_VALUE };
    new Session(wire as unknown as WebSocket, identity, replica.context, () => {});
    this.sync.opened();
  }

  drop(): void {
    if (!this.#wire) return;
    this.#wire.cut();
    this.#wire = undefined;
    this.sync.closed();
  }

  /** Lets the replica have what was sent to it. */
  upload(count: number): void {
    const wire = this.#wire;
    for (const text of wire?.toReplica.splice(0, count) ?? []) {
      expect(decode(clientMessageSchema, text)).toHaveProperty("value");
      wire?.emit("message", text, false);
    }
  }

  /** Takes what the replica has sent. */
  download(count: number): void {
    const wire = this.#wire;
    for (const text of wire?.toClient.splice(0, count) ?? []) {
      const decoded = decode(serverMessageSchema, text);
      if ("problem" in decoded) throw new Error(decoded.problem);
      if (!this.sync.receive(decoded.value)) continue;
      this.drop();
      return;
    }
    if (wire && wire.readyState !== wire.OPEN && wire.toClient.length === 0) {
      if (wire.closedWith) this.closeCodes.push(wire.closedWith);
      this.drop();
    }
  }

  resume(): void {
    this.isPaused = false;
    this.sync.flush();
  }
}

const step = fc.record({
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constant("edit" as const) },
    { weight: 8, arbitrary: fc.constantFrom("upload" as const, "download" as const) },
    { weight: 5, arbitrary: fc.constantFrom("commit" as const, "hear" as const) },
    { weight: 4, arbitrary: fc.constantFrom("connect" as const, "drop" as const, "lose" as const) },
    { weight: 2, arbitrary: fc.constantFrom("compare" as const, "refuse" as const, "resume" as const, "snapshot" as const) },
  ),
  client: fc.nat(4),
  replica: fc.nat(4),
  at: fc.nat(8),
  size: fc.integer({ min: 1, max: 5 }),
  verb: fc.constantFrom("insert", "delete", "delete", "format"),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function deltaOf({ verb, at, size, client }: Step): Delta {
  if (verb === "delete") return deleteAt(at, size);
  if (verb === "format") return formatAt(at, size, { bold: size % 2 === 0 ? true : null, colour: `c${client}` });
  return insertAt(at, `${client}`.repeat(size));
}

async function play(replicaCount: number, clientCount: number, steps: Step[]) {
  const store = new MemoryStore();
  const replicas: Replica[] = [];
  const publish = (from: Replica, operations: CommittedOperation[]) => {
    for (const replica of replicas) if (replica !== from) replica.heard.push(operations);
  };
  for (let index = 0; index < replicaCount; index += 1) replicas.push(new Replica(`replica-${index}`, store, publish));
  const editors = Array.from({ length: clientCount }, (_, index) => new Editor(`${index}0000000-0000-4000-8000-000000000000`));
  editors[0]?.edit(insertAt(0, "the first text of all"));
  await settle(store, replicas, editors);
  for (const given of steps) {
    const editor = editors[given.client % clientCount];
    const replica = replicas[given.replica % replicaCount];
    if (!editor || !replica) continue;
    if (given.kind === "edit") editor.edit(deltaOf(given));
    else if (given.kind === "upload") editor.upload(given.size);
    else if (given.kind === "download") editor.download(given.size * 2);
    else if (given.kind === "commit") replica.commit(given.size);
    else if (given.kind === "hear") replica.hear(false);
    else if (given.kind === "lose") replica.hear(true);
    else if (given.kind === "compare") replica.compare();
    else if (given.kind === "drop") editor.drop();
    else if (given.kind === "connect") editor.connect(replica);
    else if (given.kind === "refuse") replica.refuse();
    else if (given.kind === "resume") editor.resume();
    else await store.writeSnapshot();
    if (given.kind !== "edit") await macrotask();
  }
  await settle(store, replicas, editors);
  return { store, replicas, editors };
}

/** Everybody is connected and everything is delivered until nothing moves; gives up after so many rounds. */
async function settle(store: MemoryStore, replicas: Replica[], editors: Editor[]): Promise<void> {
  for (let round = 0; round < 60; round += 1) {
    for (const [index, editor] of editors.entries()) {
      const replica = replicas[(index + round) % replicas.length];
      if (!editor.isConnected && replica) editor.connect(replica);
      if (editor.isPaused) editor.resume();
      editor.upload(Number.POSITIVE_INFINITY);
    }
    await macrotask();
    for (const replica of replicas) {
      replica.commit();
      while (replica.heard.length > 0) replica.hear(false);
      replica.compare();
    }
    await macrotask();
    for (const editor of editors) editor.download(Number.POSITIVE_INFINITY);
    const isQuiet = replicas.every(({ queue, heard }) => queue.length + heard.length === 0);
    const { length } = store.operations;
    if (isQuiet && editors.every(({ isConnected, sync }) => isConnected && sync.pendingCount === 0 && sync.revision === length)) {
      return;
    }
  }
}

describe("clients of several replicas", () => {
  it("converge, with each acknowledged operation applied exactly once, however connections and messages are lost", async () => {
    let operations = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 5 }),
        fc.integer({ min: 2, max: 5 }),
        fc.array(step, { minLength: 10, maxLength: 90, size: "max" }),
        async (replicaCount, clientCount, steps) => {
          const { store, editors } = await play(replicaCount, clientCount, steps);
          const document = store.operations.reduce<Delta>((current, { delta }) => apply(current, delta), []);
          const ids = store.operations.map(({ clientId, sequence }) => `${clientId}:${sequence}`);
          expect(new Set(ids).size).toBe(ids.length);
          for (const { sync, acknowledged, refused, closeCodes, snapshots, edits, seen } of editors) {
            expect(closeCodes).toEqual([]);
            expect(snapshots).toBe(1);
            expect({ revision: sync.revision, pending: sync.pendingCount }).toEqual({
              revision: store.operations.length,
              pending: 0,
            });
            expect(sync.confirmed).toEqual(document);
            expect(sync.text).toBe(textOf(document));
            expect(seen).toEqual(seen.map((_, index) => (seen[0] ?? 0) + index));
            expect(acknowledged.length + refused.length).toBe(edits);
            for (const { sequence, revision } of acknowledged) {
              const committed = store.operations[revision - 1];
              expect([committed?.clientId, committed?.sequence]).toEqual([sync.clientId, sequence]);
            }
            expect(store.operations.filter(({ clientId }) => clientId === sync.clientId)).toHaveLength(acknowledged.length);
            expect(refused.filter((code) => code !== "overloaded" && code !== "superseded")).toEqual([]);
          }
          operations += store.operations.length;
        },
      ),
      { numRuns: 1000, seed: 4_2026 },
    );
    expect(operations).toBeGreaterThan(5000);
  }, 60_000);
});
