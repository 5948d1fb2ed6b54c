import { describe, expect, test } from "vitest";
import type { HubError } from "#lib/protocol/hub-messages.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { MemoryPeers, PeerRegistry, type RegisteredPeer } from "./peers.ts";

const logger = createLogger("hub", "silent");

function createPeer(changes: Partial<RegisteredPeer["record"]> = {}) {
  const record = { role: "connector", tenant: "t", instance: "i", address: "127.0.0.1:1", version: "1" } as const;
  const ends: string[] = [];
  const rest = { since: "2026-01-01T00:00:00.000Z", capacity: 1, running: 0 };
  return { record: { ...record, ...rest, ...changes }, ends, end: ({ code }: HubError) => void ends.push(code) };
}

/** One store, as several hubs see it; `isAway` makes it reject. */
class SharedPeers extends MemoryPeers {
  isAway = false;
  #fail<T>(): Promise<T> {
    return Promise.reject(new Error("away"));
  }
  override claim(...given: Parameters<MemoryPeers["claim"]>) {
    return this.isAway ? this.#fail<void>() : super.claim(...given);
  }
  override renew(...given: Parameters<MemoryPeers["renew"]>) {
    return this.isAway ? this.#fail<string[]>() : super.renew(...given);
  }
}

const createRegistry = (store: MemoryPeers, hub: string) => new PeerRegistry({ store, hub, heartbeatIntervalMs: 1_000, logger });
const instancesOf = async (registry: PeerRegistry) =>
  (await registry.list({ limit: 100 })).peers.map(({ instance, hub }) => `${instance}@${hub}`);

describe("the registry of peers", () => {
  test("ends the connection that an instance had before, and keeps clients of one instance apart", async () => {
    const registry = createRegistry(new MemoryPeers(), "one");
    const [first, second] = [createPeer(), createPeer()];
    registry.add(first);
    registry.add(second);
    expect([first.ends, second.ends]).toEqual([["replaced"], []]);
    registry.remove(first);
    const clients = [createPeer({ role: "client" }), createPeer({ role: "client" })];
    for (const client of clients) registry.add(client);
    await expect.poll(() => instancesOf(registry)).toEqual(["i@one", "i@one", "i@one"]);
    expect(clients.map(({ ends }) => ends)).toEqual([[], []]);
  });

  test("learns by the next renewal that another hub has the instance now", async () => {
    const store = new SharedPeers();
    const [one, two] = [createRegistry(store, "one"), createRegistry(store, "two")];
    const [first, second] = [createPeer(), createPeer()];
    one.add(first);
    await expect.poll(() => instancesOf(one)).toEqual(["i@one"]);
    two.add(second);
    await expect.poll(() => instancesOf(one)).toEqual(["i@two"]);
    await one.renew();
    await two.renew();
    expect([first.ends, second.ends]).toEqual([["replaced"], []]);
    one.remove(first);
    expect(await instancesOf(two)).toEqual(["i@two"]);
  });

  test("keeps peers while the store is away, and one that came in that time has the instance when it is back", async () => {
    const store = new SharedPeers();
    const [one, two] = [createRegistry(store, "one"), createRegistry(store, "two")];
    const [first, second] = [createPeer(), createPeer()];
    one.add(first);
    await expect.poll(() => instancesOf(one)).toEqual(["i@one"]);
    store.isAway = true;
    two.add(second);
    await Promise.all([one.renew(), two.renew()]);
    expect([first.ends, second.ends]).toEqual([[], []]);
    store.isAway = false;
    await two.renew();
    await one.renew();
    expect([first.ends, second.ends]).toEqual([["replaced"], []]);
  });

  test("says so when the hub of a peer does not end its connection", async () => {
    const registry = createRegistry(new MemoryPeers(), "one");
    registry.add(createPeer());
    const [peer] = (await registry.list({ limit: 1 })).peers;
    await expect(registry.disconnect(peer?.id ?? "", 1)).rejects.toThrow("hub one did not end the connection");
    expect(await registry.disconnect("nobody")).toBe(false);
  });
});
