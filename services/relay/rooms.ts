import type { PresenceEvent, ReplicaMessage } from "#lib/protocol/relay-messages.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { Loop } from "#lib/runtime/loop.ts";
import type { Fanout } from "./fanout.ts";
import type { RelayMetrics } from "./metrics.ts";
import type { BatchResult } from "./placing.ts";
import { expireAll } from "./recent-history.ts";
import { type Member, Room } from "./room.ts";
import type { DocumentReader } from "./store.ts";

const pollIntervalMs = 1000;
/** Of all documents together. */
const maxHistoryCharacters = 64 * 1024 * 1024;

type Announcer = Pick<Fanout, "publish" | "subscribe" | "unsubscribe">;

/** The documents that have clients on this replica. What Redis did not bring is found by comparing revisions once a second. */
export class Rooms {
  readonly #store: DocumentReader;
  readonly #fanout: Announcer;
  readonly #metrics: RelayMetrics;
  readonly #logger: Logger;
  readonly #historyTtlMs: number;
  readonly #presenceIntervalMs: number;
  readonly #rooms = new Map<string, Room>();
  readonly #opening = new Map<string, Promise<Room>>();
  readonly #poll: Loop;

  constructor(options: {
    store: DocumentReader;
    fanout: Announcer;
    metrics: RelayMetrics;
    historyTtlMs: number;
    presenceIntervalMs: number;
    logger: Logger;
  }) {
    this.#store = options.store;
    this.#fanout = options.fanout;
    this.#metrics = options.metrics;
    this.#historyTtlMs = options.historyTtlMs;
    this.#presenceIntervalMs = options.presenceIntervalMs;
    this.#logger = options.logger;
    this.#poll = new Loop({ name: "revisions", intervalMs: pollIntervalMs, logger: options.logger, pass: () => this.#compare() });
  }

  get count(): number {
    return this.#rooms.size;
  }

  start(): void {
    this.#poll.start();
  }

  stop(): Promise<void> {
    return this.#poll.stop();
  }

  /** Enters a member into its document's room, which is opened for the first one. Rejects when PostgreSQL is away. */
  async enter(documentId: string, member: Member): Promise<Room> {
    const room = await this.#open(documentId);
    room.members.add(member);
    if (this.#rooms.get(documentId) !== room) {
      this.#rooms.set(documentId, room);
      this.#fanout.subscribe(documentId);
    }
    return room;
  }

  /** Tells the others, here and on the other replicas, of a member that has caught up. */
  arrive(room: Room, member: Member): void {
    this.#metrics.presenceBroadcast();
    room.arrive(member);
  }

  leave(room: Room, member: Member): void {
    if (room.leave(member)) this.#metrics.presenceBroadcast();
    if (room.members.size > 0 || this.#rooms.get(room.documentId) !== room) return;
    this.#rooms.delete(room.documentId);
    this.#fanout.unsubscribe(room.documentId);
  }

  /** Tells the other clients of a document, here and on the other replicas, what one of them does. */
  announce(room: Room, event: PresenceEvent): void {
    this.#metrics.presenceBroadcast();
    room.presence.add(event);
  }

  revision(documentId: string): number | undefined {
    return this.#rooms.get(documentId)?.revision;
  }

  recent(documentId: string, after: number, upTo: number) {
    return this.#rooms.get(documentId)?.recent(after, upTo);
  }

  /** Passes on what this replica has committed. */
  committed(documents: BatchResult["documents"]): void {
    for (const [documentId, { revision, history, operations }] of documents) {
      if (operations.length > 0) this.#fanout.publish(documentId, { operations });
      const room = this.#rooms.get(documentId);
      room?.deliver([...history, ...operations]);
      room?.notice(revision);
    }
  }

  received(documentId: string, message: ReplicaMessage): void {
    const room = this.#rooms.get(documentId);
    if (message.operations) room?.deliver(message.operations);
    if (message.presence) room?.hearPresence(message.presence);
  }

  #open(documentId: string): Promise<Room> {
    const open = this.#rooms.get(documentId);
    if (open) return Promise.resolve(open);
    const opening = this.#opening.get(documentId) ?? this.#create(documentId);
    this.#opening.set(documentId, opening);
    return opening;
  }

  async #create(documentId: string): Promise<Room> {
    try {
      const revision = await this.#store.open(documentId);
      return new Room({
        documentId,
        revision,
        store: this.#store,
        historyTtlMs: this.#historyTtlMs,
        presenceIntervalMs: this.#presenceIntervalMs,
        publishPresence: (presence) => this.#fanout.publish(documentId, { presence }),
        logger: this.#logger,
      });
    } finally {
      this.#opening.delete(documentId);
    }
  }

  async #compare(): Promise<void> {
    expireAll([...this.#rooms.values()], maxHistoryCharacters);
    const before = [...this.#rooms.values()].map((room) => ({ room, revision: room.revision }));
    if (before.length === 0) return;
    const stored = await this.#store.revisions(before.map(({ room }) => room.documentId));
    for (const { room, revision } of before) {
      const now = stored.get(room.documentId) ?? 0;
      if (now >= revision) {
        room.notice(now);
        continue;
      }
      this.#logger.error(
        { documentId: room.documentId, revision, stored: now },
        "the database has gone back; clients join again",
      );
      this.#rooms.delete(room.documentId);
      this.#fanout.unsubscribe(room.documentId);
      room.restart("the document was restored to an earlier revision");
    }
  }
}
