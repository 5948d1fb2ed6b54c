import { hash, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { HubError, type HubRole } from "#lib/protocol/hub-messages.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { Loop } from "#lib/runtime/loop.ts";

/** A connected peer, as every hub of the cluster sees it. */
export type PeerRecord = {
  /** Of role, tenant and instance, so that it outlives a connection; a client, of which an instance may have many, has one each. */
  id: string;
  connection: string;
  role: HubRole;
  tenant: string;
  instance: string;
  /** Behind a balancer, the balancer's. */
  address: string;
  version: string;
  hub: string;
  since: string;
  capacity: number;
  running: number;
};

export type PeerQuery = { role?: HubRole | undefined; tenant?: string | undefined; after?: string | undefined; limit: number };
export type PeerPage = { peers: PeerRecord[]; next?: string | undefined };

/** To the hub that has the connection: end it. */
export type PeerNotice = { connection: string; cause: "replaced" | "disconnected" };

/** The peers of all hubs. A hub that dies leaves its own behind for `ttlMs`. Everything rejects while the store is away. */
export type PeerStore = {
  onNotice: (notice: PeerNotice) => void;
  /** Puts the record in; the connection that had the id before gets the notice `replaced`. */
  claim(record: PeerRecord, ttlMs: number): Promise<void>;
  /** Keeps records alive. Gives the connections whose ids others have claimed since. */
  renew(records: PeerRecord[], ttlMs: number): Promise<string[]>;
  remove(record: PeerRecord): Promise<void>;
  /** In order of role, tenant and instance. */
  list(query: PeerQuery): Promise<PeerPage>;
  find(id: string): Promise<PeerRecord | undefined>;
  notify(notice: PeerNotice): Promise<void>;
};

/** What the registry needs of a session. */
export type RegisteredPeer = {
  readonly record: Omit<PeerRecord, "id" | "connection" | "hub">;
  end(reason: HubError): void;
};

type Own = { peer: RegisteredPeer; id: string; connection: string; isClaimed: boolean };

export type PeerRegistryOptions = { store: PeerStore; hub: string; heartbeatIntervalMs: number; logger: Logger };

/**
 * This hub's peers, and through the store those of all hubs. An instance has one connection: a new one ends the one before,
 * at whichever hub. While the store is away peers stay, and it learns of them when it is back.
 */
export class PeerRegistry {
  readonly #options: PeerRegistryOptions;
  readonly #ttlMs: number;
  readonly #own = new Map<RegisteredPeer, Own>();
  readonly #byId = new Map<string, Own>();
  readonly #loop: Loop;

  constructor(options: PeerRegistryOptions) {
    this.#options = options;
    this.#ttlMs = options.heartbeatIntervalMs * 3;
    this.#loop = new Loop({
      name: "peers",
      intervalMs: options.heartbeatIntervalMs,
      pass: () => this.renew(),
      logger: options.logger,
    });
    options.store.onNotice = (notice) => this.#take(notice);
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  add(peer: RegisteredPeer): void {
    const connection = randomUUID();
    const id = idOf(peer.record, connection);
    const before = this.#byId.get(id);
    const own = { peer, id, connection, isClaimed: false };
    this.#own.set(peer, own);
    this.#byId.set(id, own);
    if (before) {
      this.#own.delete(before.peer);
      this.#end(before, "replaced");
    }
    void this.#claim(own);
  }

  remove(peer: RegisteredPeer): void {
    const own = this.#own.get(peer);
    if (!own) return;
    this.#own.delete(peer);
    if (this.#byId.get(own.id) === own) this.#byId.delete(own.id);
    this.#options.store.remove(this.#recordOf(own)).catch(this.#later);
  }

  list(query: PeerQuery): Promise<PeerPage> {
    return this.#options.store.list(query);
  }

  /** Ends a peer's connection, at whichever hub. False when there is no such peer; rejects with HubError `timeout` when its hub is late. */
  async disconnect(id: string, timeoutMs = 3_000): Promise<boolean> {
    const { store } = this.#options;
    const record = await store.find(id);
    if (!record) return false;
    await store.notify({ connection: record.connection, cause: "disconnected" });
    const deadline = performance.now() + timeoutMs;
    while ((await store.find(id))?.connection === record.connection) {
      if (performance.now() > deadline) throw new HubError("timeout", `hub ${record.hub} did not end the connection`);
      await sleep(20);
    }
    return true;
  }

  /** One round of the heartbeat to the store. */
  async renew(): Promise<void> {
    const own = [...this.#own.values()];
    await Promise.all(own.filter(({ isClaimed }) => !isClaimed).map((one) => this.#claim(one)));
    const claimed = own.filter((one) => one.isClaimed && this.#own.has(one.peer));
    const lost = await this.#options.store
      .renew(
        claimed.map((one) => this.#recordOf(one)),
        this.#ttlMs,
      )
      .catch(this.#later);
    for (const connection of lost ?? []) this.#take({ connection, cause: "replaced" });
  }

  async #claim(own: Own): Promise<void> {
    const { store } = this.#options;
    try {
      await store.claim(this.#recordOf(own), this.#ttlMs);
      own.isClaimed = true;
      if (!this.#own.has(own.peer)) await store.remove(this.#recordOf(own));
    } catch (error) {
      this.#later(error);
    }
  }

  #take({ connection, cause }: PeerNotice): void {
    for (const own of this.#own.values()) if (own.connection === connection) this.#end(own, cause);
  }

  #end({ peer }: Own, cause: PeerNotice["cause"]): void {
    if (cause === "replaced") peer.end(new HubError("replaced", "the same instance connected again"));
    else peer.end(new HubError("shutting_down", "an operator ended this connection"));
  }

  #recordOf({ peer, id, connection }: Own): PeerRecord {
    return { ...peer.record, id, connection, hub: this.#options.hub };
  }

  readonly #later = (error: unknown): undefined => {
    this.#options.logger.debug({ reason: String(error) }, "the peers could not be stored; trying again later");
  };
}

function idOf({ role, tenant, instance }: RegisteredPeer["record"], connection: string): string {
  if (role === "client") return connection;
  return hash("sha256", JSON.stringify([role, tenant, instance])).slice(0, 24);
}

/** The place of a record in the list, which is also the cursor of a page. A space sorts before all that may stand in a part. */
export function placeOf({ role, tenant, instance, id }: Pick<PeerRecord, "role" | "tenant" | "instance" | "id">): string {
  return [role, tenant, instance, id].map(encodeURIComponent).join(" ");
}

/** The peers of one hub, or of several in one process. */
export class MemoryPeers implements PeerStore {
  readonly #records = new Map<string, PeerRecord>();
  onNotice: (notice: PeerNotice) => void = () => {};

  async claim(record: PeerRecord): Promise<void> {
    const before = this.#records.get(record.id)?.connection;
    this.#records.set(record.id, record);
    if (before !== undefined && before !== record.connection) this.onNotice({ connection: before, cause: "replaced" });
  }

  async renew(records: PeerRecord[]): Promise<string[]> {
    const isLost = ({ id, connection }: PeerRecord) => (this.#records.get(id)?.connection ?? connection) !== connection;
    for (const record of records) if (!isLost(record)) this.#records.set(record.id, record);
    return records.filter(isLost).map(({ connection }) => connection);
  }

  async remove({ id, connection }: PeerRecord): Promise<void> {
    if (this.#records.get(id)?.connection === connection) this.#records.delete(id);
  }

  async list({ role, tenant, after = "", limit }: PeerQuery): Promise<PeerPage> {
    const found = [...this.#records.values()]
      .filter((record) => (!role || record.role === role) && (!tenant || record.tenant === tenant) && placeOf(record) > after)
      .sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
    const peers = found.slice(0, limit);
    const last = peers.at(-1);
    return { peers, next: last && found.length > limit ? placeOf(last) : undefined };
  }

  async find(id: string): Promise<PeerRecord | undefined> {
    return this.#records.get(id);
  }

  async notify(notice: PeerNotice): Promise<void> {
    this.onNotice(notice);
  }
}
