import { EventEmitter } from "node:events";
import { setImmediate as macrotask } from "node:timers/promises";
import { expect } from "vitest";
import type { WebSocket } from "ws";
import { apply, type Delta } from "#lib/protocol/relay-delta.ts";
import { type CommittedOperation, clientMessageSchema, decode, serverMessageSchema } from "#lib/protocol/relay-messages.ts";
import { type OperationRefused, RelaySync } from "#lib/protocol/relay-sync.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import type { CommitOutcome } from "../committer.ts";
import { RelayMetrics } from "../metrics.ts";
import { orderSubmissions, type Submission } from "../ordering.ts";
import { RateLimiter } from "../rate-limiter.ts";
import { Rooms } from "../rooms.ts";
import { Session, type SessionContext } from "../session.ts";
import type { DocumentReader } from "../store.ts";

const documentId = "0b8f0f6e-54a5-4b52-9a3e-0f5d0c1b2a3d";
const logger = createLogger("test", "silent");
const unlimited = { perSecond: 1_000_000, burstSeconds: 1 };
const metrics = new RelayMetrics(() => new Map());

/** PostgreSQL: one order for all replicas. */
export class MemoryStore implements DocumentReader {
  readonly operations: CommittedOperation[] = [];
  /** The next reading of operations fails, as when PostgreSQL has just been killed. */
  isAway = false;
  readonly #owners = new Map<string, string>();
  #snapshot: { revision: number; document: Delta } = { revision: 0, document: [] };

  claim(clientId: string, actor: string): boolean {
    const owner = this.#owners.get(clientId) ?? actor;
    this.#owners.set(clientId, owner);
    return owner === actor;
  }

  async open(): Promise<number> {
    return this.operations.length;
  }

  async revisions(): Promise<Map<string, number>> {
    return new Map([[documentId, this.operations.length]]);
  }

  async operationsAfter(_: string, revision: number, limit: number): Promise<CommittedOperation[]> {
    const isAway = this.isAway;
    this.isAway = false;
    if (isAway) throw new Error("away");
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
export class Replica {
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
    this.#rooms = new Rooms({ store, fanout, metrics, historyTtlMs: 600_000, presenceIntervalMs: 0, logger });
    this.context = {
      rooms: this.#rooms,
      store,
      metrics,
      faults: { inject: async () => false },
      logger,
      claim: async ({ clientId, actor }) => store.claim(clientId, actor),
      submit: (submission) => new Promise((resolve) => this.queue.push({ submission, resolve })),
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
    const { operations } = ordered;
    this.#rooms.committed(new Map([[documentId, { revision: history.length, history: known, operations }]]));
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
    this.#rooms.committed(new Map([[documentId, { revision: this.#store.operations.length, history: [], operations: [] }]]));
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
    const identity = {
      documentId,
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

/** Everybody is connected and everything is delivered until nothing moves; gives up after so many rounds. */
export async function settle(store: MemoryStore, replicas: Replica[], editors: Editor[]): Promise<void> {
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
