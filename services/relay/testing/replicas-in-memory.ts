import { EventEmitter } from "node:events";
import { setImmediate as macrotask } from "node:timers/promises";
import { expect, vi } from "vitest";
import type { WebSocket } from "ws";
import { apply, type Delta } from "#lib/protocol/relay-delta.ts";
import { type CommittedOperation, clientMessageSchema, decode, serverMessageSchema } from "#lib/protocol/relay-messages.ts";
import { type OperationRefused, RelaySync } from "#lib/protocol/relay-sync.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { Committer } from "../committer.ts";
import { RelayMetrics } from "../metrics.ts";
import { commitSubmissions, type Placing, type PlacingDatabase } from "../placing.ts";
import { RateLimiter } from "../rate-limiter.ts";
import { Rooms } from "../rooms.ts";
import { Session, type SessionContext } from "../session.ts";
import type { DocumentReader } from "../store.ts";

const documentIds = ["0b8f0f6e-54a5-4b52-9a3e-0f5d0c1b2a3d", "1b8f0f6e-54a5-4b52-9a3e-0f5d0c1b2a3d"] as const;
const logger = createLogger("test", "silent");
const unlimited = { perSecond: 1_000_000, burstSeconds: 1 };
const metrics = new RelayMetrics(() => new Map());

/** How long a replica collects submissions; each step of a case takes a fifth of it. */
const windowMs = 5;
const noDocument = { revision: 0, document: [] as Delta };

/** PostgreSQL: one order for all replicas. */
export class MemoryStore implements DocumentReader {
  /** The operations of the first document. */
  readonly operations: CommittedOperation[] = [];
  readonly documents = new Map<string, CommittedOperation[]>([[documentIds[0], this.operations]]);
  /** The next reading of operations fails, as when PostgreSQL has just been killed. */
  isAway = false;
  /** The next statement that commits does so or not, and then its connection is gone. */
  fails: "before" | "after" | undefined;
  /** How many commits were ordered from memory, under locks, and again after a failure. */
  readonly counts = { foreseen: 0, locked: 0, failed: 0 };
  readonly #snapshots = new Map<string, typeof noDocument>();
  readonly #owners = new Map<string, string>();

  claim(clientId: string, actor: string): boolean {
    const owner = this.#owners.get(clientId) ?? actor;
    this.#owners.set(clientId, owner);
    return owner === actor;
  }

  operationsOf(documentId: string): CommittedOperation[] {
    const operations = this.documents.get(documentId) ?? [];
    this.documents.set(documentId, operations);
    return operations;
  }

  async open(documentId: string): Promise<number> {
    return this.operationsOf(documentId).length;
  }

  async revisions(ids: string[]): Promise<Map<string, number>> {
    return new Map(ids.map((id) => [id, this.operationsOf(id).length]));
  }

  async operationsAfter(documentId: string, revision: number, limit: number): Promise<CommittedOperation[]> {
    const isAway = this.isAway;
    this.isAway = false;
    if (isAway) throw new Error("away");
    return this.operationsOf(documentId).slice(revision, revision + Math.min(limit, 3));
  }

  async snapshot(documentId: string) {
    return structuredClone(this.#snapshots.get(documentId) ?? noDocument);
  }

  async writeSnapshot(documentId: string): Promise<number> {
    const { revision, document } = this.#snapshots.get(documentId) ?? noDocument;
    const operations = this.operationsOf(documentId);
    const following = operations.slice(revision);
    this.#snapshots.set(documentId, {
      revision: operations.length,
      document: following.reduce((current, { delta }) => apply(current, delta), document),
    });
    return operations.length;
  }

  place(placings: Placing[]): Placing[] {
    return this.#failing(() => {
      const holding = placings.filter(({ documentId, revision, last, ordered }) => {
        const operations = this.operationsOf(documentId);
        const stored = operations.at(-1);
        const isSame = !last || (last.clientId === stored?.clientId && last.sequence === stored.sequence);
        return ordered.operations.length === 0 || (operations.length === revision && isSame);
      });
      for (const { documentId, ordered } of holding) this.operationsOf(documentId).push(...ordered.operations);
      return holding;
    });
  }

  async lock(...[ids, order]: Parameters<PlacingDatabase["lock"]>): Promise<Placing[]> {
    const locked = ids.map((id) => ({ documentId: id, revision: this.operationsOf(id).length, isFull: false }));
    const read = async (id: string, after: number, revision: number) => this.operationsOf(id).slice(after, revision);
    return this.place(await order(locked, read));
  }

  #failing<T>(work: () => T): T {
    const fails = this.fails;
    this.fails = undefined;
    if (fails) this.counts.failed += 1;
    const result = fails === "before" ? undefined : work();
    if (result === undefined || fails) throw new Error("the connection is gone");
    return result;
  }
}

/** A replica with the real rooms, sessions and committer. What it commits, and what it hears from the others, waits for its turn. */
export class Replica {
  readonly #store: MemoryStore;
  readonly #rooms: Rooms;
  readonly #committer: Committer;
  readonly #turns: (() => void)[] = [];
  /** How often the gate is still found closed: a batch asks twice. */
  #refusals = 0;
  readonly heard: { documentId: string; operations: CommittedOperation[] }[] = [];
  readonly context: SessionContext;

  constructor(name: string, store: MemoryStore, publish: (from: Replica, heard: Replica["heard"][number]) => void) {
    this.#store = store;
    const fanout = {
      subscribe: () => {},
      unsubscribe: () => {},
      publish: (documentId: string, { operations }: { operations?: CommittedOperation[] }) => {
        if (operations) publish(this, { documentId, operations });
      },
    };
    this.#rooms = new Rooms({ store, fanout, metrics, historyTtlMs: 600_000, presenceIntervalMs: 0, logger });
    const database: PlacingDatabase = {
      // Between ordering from memory and committing there is time for other replicas to commit.
      place: async (placings) => {
        if (placings.length === 0) return [];
        await this.#turn();
        store.counts.foreseen += 1;
        return store.place(placings);
      },
      lock: async (ids, order) => {
        await this.#turn();
        store.counts.locked += 1;
        return store.lock(ids, order);
      },
    };
    this.#committer = new Committer({
      commit: (submissions) => commitSubmissions(submissions, this.#rooms, database),
      onCommitted: (documents) => this.#rooms.committed(documents),
      batchSize: 100,
      windowMs,
      maxQueuedOperations: 10_000,
      maxQueuedCharacters: 10_000_000,
      gate: { opens: async () => this.#refusals === 0 || --this.#refusals < 0, patienceMs: 0 },
      patienceMs: 1000,
      logger,
    });
    this.context = {
      rooms: this.#rooms,
      store,
      metrics,
      faults: { inject: async () => false },
      logger,
      claim: async ({ clientId, actor }) => store.claim(clientId, actor),
      submit: (submission) => this.#committer.submit(submission),
      replica: name,
      version: "0",
      rates: { connection: unlimited, user: new RateLimiter(unlimited) },
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

  /** Whether nothing waits to be committed or heard. */
  get isQuiet(): boolean {
    return this.#turns.length + this.heard.length === 0;
  }

  /** Lets the oldest statement that commits go on. */
  commit(): void {
    this.#turns.shift()?.();
  }

  /** Redis is away for the next batch, which is refused. */
  refuse(): void {
    this.#refusals = 2;
  }

  hear(isLost: boolean): void {
    const heard = this.heard.shift();
    if (heard && !isLost) this.#rooms.received(heard.documentId, { replica: "another", operations: heard.operations });
  }

  /** What the comparison of revisions does once a second. */
  compare(): void {
    for (const [id, { length }] of this.#store.documents) {
      this.#rooms.committed(new Map([[id, { revision: length, history: [], operations: [] }]]));
    }
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#turns.push(resolve));
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

  send(json: string | Buffer, ...[done]: [object | (() => void)]): void {
    this.toClient.push(json.toString());
    if (typeof done === "function") done();
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
export class Editor {
  readonly sync: RelaySync;
  readonly documentId: string;
  readonly acknowledged: { sequence: number; revision: number }[] = [];
  readonly refused: string[] = [];
  readonly closeCodes: number[] = [];
  snapshots = 0;
  seen: number[] = [];
  edits = 0;
  isPaused = false;
  #wire: Wire | undefined;

  constructor(clientId: string, document: 0 | 1 = 0) {
    this.documentId = documentIds[document];
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
    const identity = {
      documentId: this.documentId,
      actor: "a",
      permissions: ["read" as const, "write" as const],
      expiresAtMs: Number.MAX_VALUE,
      trace: { trace_id: "", request_id: "" },
    };
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

/** Time for what is under way to go on; what waits for a turn waits. */
export async function pass(ms = windowMs / 5): Promise<void> {
  vi.advanceTimersByTime(ms);
  await macrotask();
}

/** Everybody is connected and everything is delivered until nothing moves; gives up after so many rounds. */
export async function settle(store: MemoryStore, replicas: Replica[], editors: Editor[]): Promise<void> {
  for (let round = 0; round < 60; round += 1) {
    for (const [index, editor] of editors.entries()) {
      const replica = replicas[(index + round) % replicas.length];
      if (!editor.isConnected && replica) editor.connect(replica);
      if (editor.isPaused) editor.resume();
      editor.upload(Number.POSITIVE_INFINITY);
    }
    await pass(2000);
    for (const replica of replicas) {
      replica.commit();
      await macrotask();
      while (replica.heard.length > 0) replica.hear(false);
      replica.compare();
    }
    await macrotask();
    for (const editor of editors) editor.download(Number.POSITIVE_INFINITY);
    const isSettled = ({ documentId, isConnected, sync }: Editor) =>
      isConnected && sync.pendingCount === 0 && sync.revision === store.operationsOf(documentId).length;
    if (replicas.every(({ isQuiet }) => isQuiet) && editors.every(isSettled)) return;
  }
}
