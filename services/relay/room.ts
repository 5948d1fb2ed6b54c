import type { Delta } from "#lib/protocol/relay-delta.ts";
import type { CommittedOperation, PresenceEvent, ServerMessage } from "#lib/protocol/relay-messages.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { PresenceGathering } from "./presence-gathering.ts";
import { RecentHistory } from "./recent-history.ts";
import type { DocumentReader } from "./store.ts";

const pageSize = 500;
const pageCharacters = 1024 * 1024;
const snapshotEvery = 500;

/** A client of a document on this replica. Only members that are live get operations; the others are still catching up. */
export type Member = {
  readonly clientId: string;
  readonly actor: string;
  readonly isLive: boolean;
  /** Takes a message as UTF-8, so that one copy serves all members. One that is dispensable is left out for those who lag. */
  send(json: Buffer, isDispensable?: boolean): void;
  /** Ends the connection; the client is to come back and join again. */
  restart(reason: string): void;
};

type Snapshot = { revision: number; document: Delta };

/** One document on this replica: passes committed operations on to its members, in order and without a gap. */
export class Room {
  readonly documentId: string;
  readonly members = new Set<Member>();
  readonly presence: PresenceGathering;
  /** Members that have caught up and are told of each other; newcomers among them have been told nothing yet. */
  readonly #present = new Set<Member>();
  readonly #newcomers = new Set<Member>();
  readonly #store: DocumentReader;
  readonly #logger: Logger;
  readonly #recent: RecentHistory;
  #revision: number;
  #known: number;
  #fetching: Promise<void> | undefined;
  #snapshotRevision: number | undefined;
  #snapshotting: Promise<void> | undefined;
  #snapshotAfter = 0;
  #reading: Promise<Snapshot> | undefined;

  constructor(options: {
    documentId: string;
    revision: number;
    store: DocumentReader;
    historyTtlMs: number;
    /** What the clients do goes out at most this often. */
    presenceIntervalMs: number;
    /** Tells the other replicas what clients of this one do. */
    publishPresence: (events: PresenceEvent[]) => void;
    logger: Logger;
  }) {
    this.documentId = options.documentId;
    this.presence = new PresenceGathering(options.presenceIntervalMs, {
      tell: (events) => this.#tellPresence(events),
      publish: options.publishPresence,
    });
    this.#store = options.store;
    this.#logger = options.logger;
    this.#recent = new RecentHistory(options.historyTtlMs);
    this.#revision = options.revision;
    this.#known = options.revision;
  }

  /** Everything up to this revision was passed on. */
  get revision(): number {
    return this.#revision;
  }

  recent(after: number, upTo: number): CommittedOperation[] | undefined {
    return this.#recent.find(after, upTo);
  }

  /** Takes committed operations in ascending order, from whichever side; passes on what follows, fetches what lies between. */
  deliver(operations: CommittedOperation[]): void {
    const next = operations.filter(({ revision }) => revision > this.#revision);
    const first = next[0];
    const last = next.at(-1);
    if (!first || !last) return;
    if (first.revision !== this.#revision + 1) {
      this.notice(last.revision);
      return;
    }
    this.#revision = last.revision;
    this.#recent.add(next);
    this.#broadcast({ type: "operations", operations: next }, (member) => member.isLive);
    this.#snapshotWhenDue();
  }

  /** The document is known to have reached `revision`: reads what has not been passed on yet. */
  notice(revision: number): void {
    this.#known = Math.max(this.#known, revision);
    if (this.#known <= this.#revision || this.#fetching) return;
    this.#fetchOnce().catch((error: unknown) =>
      this.#logger.warn({ err: error, documentId: this.documentId }, "missing operations were not read"),
    );
  }

  /** Reads what is missing up to `revision`. Returns whether the document has come so far; rejects when that cannot be read. */
  async reach(revision: number): Promise<boolean> {
    // A reading that is under way may have begun too early to see it.
    if (revision > this.#revision) await this.#fetching?.catch(() => {});
    this.#known = Math.max(this.#known, revision);
    if (revision > this.#revision) await this.#fetchOnce();
    return revision <= this.#revision;
  }

  /** The operations after `revision`, a page of them, bounded in number and length; none when there are no more. */
  async page(revision: number): Promise<CommittedOperation[]> {
    const recent = this.#recent.page(revision, Math.min(this.#revision, revision + pageSize), pageCharacters);
    if (recent) return recent;
    const page = await this.#store.operationsAfter(this.documentId, revision, pageSize);
    if (revision <= this.#revision) this.deliver(page);
    return page;
  }

  /** A snapshot of which few operations lie behind, however long the document's history is. */
  snapshot(): Promise<Snapshot> {
    // Clients that come all at once share one reading.
    this.#reading ??= this.#findSnapshot().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Forgets operations that have been in memory for too long, and keeps at most `maxCharacters` of the others; returns how many. */
  expire(maxCharacters: number): number {
    return this.#recent.expire(maxCharacters);
  }

  /** A member has caught up: it and the others are told of each other. */
  arrive(member: Member): void {
    this.#present.add(member);
    this.#newcomers.add(member);
    this.presence.add({ event: "join", clientId: member.clientId, actor: member.actor });
  }

  /** Returns whether the others are told. What the last one did goes out at once, since nobody may wait for it any more. */
  leave(member: Member): boolean {
    this.members.delete(member);
    this.#newcomers.delete(member);
    const { clientId } = member;
    // The client may be here on a newer connection.
    const isTold = this.#present.delete(member) && ![...this.#present].some((other) => other.clientId === clientId);
    if (isTold) this.presence.add({ event: "leave", clientId });
    if (this.members.size === 0) this.presence.flush();
    return isTold;
  }

  /** What clients of another replica do. One that has left there may have come here: then it is still there. */
  hearPresence(events: PresenceEvent[]): void {
    this.presence.hear(events);
    const gone = new Set(events.flatMap(({ event, clientId }) => (event === "leave" ? [clientId] : [])));
    if (gone.size === 0) return;
    for (const { clientId, actor } of this.#present)
      if (gone.has(clientId)) this.presence.add({ event: "join", clientId, actor });
  }

  restart(reason: string): void {
    for (const member of [...this.members]) member.restart(reason);
  }

  async #findSnapshot(): Promise<Snapshot> {
    for (let tries = 0; ; tries += 1) {
      const found = await this.#store.snapshot(this.documentId);
      if (this.#revision - found.revision < 2 * snapshotEvery || tries === 2) return found;
      this.#snapshotting ??= this.#writeSnapshot(found.revision).finally(() => {
        this.#snapshotting = undefined;
      });
      await this.#snapshotting;
    }
  }

  async #writeSnapshot(from: number): Promise<void> {
    for (let at = from; at < this.#revision; ) {
      const written = await this.#store.writeSnapshot(this.documentId, (revision) => this.page(revision));
      if (written <= at) return;
      at = written;
    }
  }

  #fetchOnce(): Promise<void> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetch(): Promise<void> {
    while (this.#revision < this.#known) {
      const page = await this.#store.operationsAfter(this.documentId, this.#revision, pageSize);
      if (page.length === 0) {
        this.#known = this.#revision;
        return;
      }
      this.deliver(page);
    }
  }

  /** Newcomers are told who is there, the others what has happened: each is put into words once. Returns the bytes of all. */
  #tellPresence(events: PresenceEvent[]): number {
    const newcomers = new Set(this.#newcomers);
    this.#newcomers.clear();
    const here = new Map([...this.#present].map(({ clientId, actor }) => [clientId, actor]));
    // Nobody is told of himself alone.
    if (here.size === 1 && events.every(({ clientId }) => here.has(clientId))) return 0;
    const isComingOrGoing = ({ event }: PresenceEvent) => event === "join" || event === "leave";
    const isDispensable = !events.some(isComingOrGoing);
    const isSettled = (member: Member) => this.#present.has(member) && !newcomers.has(member);
    const bytes = this.#broadcast({ type: "presence", events }, isSettled, isDispensable);
    if (newcomers.size === 0) return bytes;
    const joins = [...here].map(([clientId, actor]): PresenceEvent => ({ event: "join", clientId, actor }));
    const others = events.filter((event) => !isComingOrGoing(event) || !here.has(event.clientId));
    return bytes + this.#broadcast({ type: "presence", events: [...joins, ...others] }, (member) => newcomers.has(member));
  }

  #broadcast(message: ServerMessage, isMeant: (member: Member) => boolean, isDispensable = false): number {
    const json = Buffer.from(JSON.stringify(message));
    let bytes = 0;
    for (const member of this.members) {
      if (!isMeant(member)) continue;
      member.send(json, isDispensable);
      bytes += json.length;
    }
    return bytes;
  }

  #snapshotWhenDue(): void {
    this.#snapshotRevision ??= this.#revision - (this.#revision % snapshotEvery);
    if (this.#snapshotting || this.#revision - this.#snapshotRevision < snapshotEvery) return;
    const startedAt = performance.now();
    if (startedAt < this.#snapshotAfter) return;
    this.#snapshotRevision = this.#revision;
    this.#snapshotting = this.#store
      .writeSnapshot(this.documentId, (revision) => this.page(revision))
      .then(() => {})
      .catch((error: unknown) => {
        this.#logger.warn({ err: error, documentId: this.documentId }, "a snapshot was not written");
      })
      .finally(() => {
        this.#snapshotting = undefined;
        // A document that is edited all the time spends at most a tenth of it on snapshots; a client that joins has one made.
        this.#snapshotAfter = performance.now() + 9 * (performance.now() - startedAt);
      });
  }
}
