import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LiveMessage, Service, ServiceAnswer, ServicesAnswer } from "#lib/domain/fleet/schemas.ts";
import { anEvent, anInstance, aService } from "./fixtures.ts";
import { reduceService, reduceServices, removesService } from "./live-reducer.ts";

const connected = {
  name: "kubernetes",
  state: "connected",
  since: "2026-11-20T10:00:00.000Z",
  lastError: null,
  hint: null,
} as const;
const figures = { requestsPerSecond: 12, errorRatio: 0.001, latencyP95Seconds: 0.02 };
const answer = (services: Service[]): ServicesAnswer => ({ services, figures: {}, feeds: [connected] });
const page = (over: Partial<ServiceAnswer> = {}): ServiceAnswer => ({
  service: aService(),
  instances: [anInstance()],
  events: [anEvent()],
  figures: {},
  serviceFigures: null,
  ...over,
});
const snapshot = (over: Partial<Extract<LiveMessage, { type: "snapshot" }>> = {}): LiveMessage => ({
  type: "snapshot",
  at: "2026-11-20T10:00:00.000Z",
  services: [aService()],
  feeds: [connected],
  figures: {},
  service: null,
  ...over,
});

describe("the list of services", () => {
  it("takes a snapshot as the whole, before and after the first answer", () => {
    const hub = aService({ name: "hub" });
    expect(reduceServices(undefined, snapshot({ services: [hub] }))?.services).toEqual([hub]);
    expect(reduceServices(answer([aService(), aService({ name: "edge" })]), snapshot({ services: [hub] }))?.services).toEqual([
      hub,
    ]);
  });

  it("drops a part that arrives before the whole", () => {
    expect(reduceServices(undefined, { type: "services", upserted: [aService()], removed: [] })).toBeUndefined();
    expect(reduceServices(undefined, { type: "feeds", feeds: [connected] })).toBeUndefined();
  });

  it("adds, changes and removes in the order of the ids", () => {
    const hub = aService({ name: "hub" });
    const scaled = aService({ desired: 5, generation: 2 });
    const next = reduceServices(answer([aService(), aService({ name: "edge" })]), {
      type: "services",
      upserted: [scaled, hub],
      removed: ["fleet/edge"],
    });
    expect(next?.services).toEqual([hub, scaled]);
  });

  it("keeps the newer of two states of a workload when they arrive out of order", () => {
    const newer = aService({ desired: 5, generation: 3, observedGeneration: 3 });
    const older = aService({ desired: 4, generation: 2, observedGeneration: 2 });
    const current = answer([newer]);
    expect(reduceServices(current, { type: "services", upserted: [older], removed: [] })).toBe(current);
  });

  it("takes a workload made anew under the same name although its generation starts at 1", () => {
    const anew = aService({ uid: "another", generation: 1 });
    const next = reduceServices(answer([aService({ generation: 9, observedGeneration: 9 })]), {
      type: "services",
      upserted: [anew],
      removed: [],
    });
    expect(next?.services).toEqual([anew]);
  });

  it("returns the same object for a duplicate of any message, so that nothing is drawn again", () => {
    const messages: LiveMessage[] = [
      snapshot({ figures: { "fleet/relay": figures } }),
      { type: "services", upserted: [aService({ ready: 2 })], removed: ["fleet/gone"] },
      { type: "figures", services: { "fleet/relay": figures } },
      { type: "feeds", feeds: [{ ...connected, state: "stale" }] },
      { type: "heartbeat", at: "2026-11-20T10:00:10.000Z" },
    ];
    for (const message of messages) {
      const once = reduceServices(answer([aService()]), message);
      expect(reduceServices(once, message)).toBe(once);
    }
  });

  it("changes the named fields of what it knows, and leaves what it does not know to the whole that follows", () => {
    const changed = [
      { key: "fleet/relay", fields: { ready: 2 } },
      { key: "fleet/unknown", fields: { ready: 1 } },
    ];
    const next = reduceServices(answer([aService(), aService({ name: "hub" })]), {
      type: "services",
      upserted: [],
      removed: [],
      changed,
    });
    expect(next?.services).toEqual([aService({ name: "hub" }), aService({ ready: 2 })]);
    const olderFields = [{ key: "fleet/relay", fields: { generation: 1, ready: 0 } }];
    const current = answer([aService({ generation: 2, observedGeneration: 2 })]);
    expect(reduceServices(current, { type: "services", upserted: [], removed: [], changed: olderFields })).toBe(current);
  });

  it("keeps the figures of services that a message does not name", () => {
    const current = { ...answer([aService()]), figures: { "fleet/hub": figures } };
    expect(reduceServices(current, { type: "figures", services: { "fleet/relay": figures } })?.figures).toEqual({
      "fleet/hub": figures,
      "fleet/relay": figures,
    });
  });

  it("never changes what it was given", () => {
    const current = Object.freeze({
      ...answer([Object.freeze(aService())]),
      services: Object.freeze([aService()]),
    }) as ServicesAnswer;
    expect(() => reduceServices(current, { type: "services", upserted: [aService({ ready: 0 })], removed: [] })).not.toThrow();
    expect(current.services[0]?.ready).toBe(3);
  });

  it("ends at the newest state whatever the order and repetition of the messages", () => {
    const states = [1, 2, 3, 4, 5].map((generation) =>
      aService({ generation, observedGeneration: generation, desired: generation }),
    );
    const arrivals = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(arrivals, (order) => {
        let current: ServicesAnswer | undefined = answer([]);
        for (const index of order) {
          current = reduceServices(current, { type: "services", upserted: states.slice(index, index + 1), removed: [] });
        }
        expect(current?.services).toEqual([states[Math.max(...order)]]);
      }),
    );
  });
});

describe("the page of one service", () => {
  it("is built from a snapshot that carries it, and left alone by one that carries another", () => {
    const live = { id: "fleet/relay", instances: [anInstance()], events: [anEvent()], figures: {} };
    expect(reduceService(undefined, "fleet/relay", snapshot({ service: live }))).toEqual(page());
    expect(reduceService(undefined, "fleet/relay", snapshot({ service: { ...live, id: "fleet/hub" } }))).toBeUndefined();
    const current = page();
    expect(reduceService(current, "fleet/relay", snapshot())).toBe(current);
  });

  it("forgets instances that a snapshot no longer has", () => {
    const live = { id: "fleet/relay", instances: [], events: [], figures: {} };
    expect(reduceService(page(), "fleet/relay", snapshot({ service: live }))?.instances).toEqual([]);
  });

  it("follows instances of its own service only", () => {
    const second = anInstance({ name: "relay-5d8c7b-bbbbb" });
    const current = page();
    const next = reduceService(current, "fleet/relay", {
      type: "instances",
      service: "fleet/relay",
      upserted: [second, anInstance({ ready: false })],
      removed: [],
    });
    expect(next?.instances.map((instance) => [instance.name, instance.ready])).toEqual([
      ["relay-5d8c7b-aaaaa", false],
      ["relay-5d8c7b-bbbbb", true],
    ]);
    expect(
      reduceService(current, "fleet/relay", { type: "instances", service: "fleet/hub", upserted: [second], removed: [] }),
    ).toBe(current);
  });

  it("changes the named fields of its service and of its instances", () => {
    const withService = reduceService(page(), "fleet/relay", {
      type: "services",
      upserted: [],
      removed: [],
      changed: [{ key: "fleet/relay", fields: { ready: 1 } }],
    });
    expect(withService?.service).toEqual(aService({ ready: 1 }));
    const message: LiveMessage = {
      type: "instances",
      service: "fleet/relay",
      upserted: [],
      removed: [],
      changed: [{ key: anInstance().uid, fields: { ready: false } }],
    };
    const withInstance = reduceService(withService, "fleet/relay", message);
    expect(withInstance?.instances).toEqual([anInstance({ ready: false })]);
    expect(reduceService(withInstance, "fleet/relay", message)).toBe(withInstance);
  });

  it("removes an instance once, and does not mind being told again", () => {
    const message: LiveMessage = { type: "instances", service: "fleet/relay", upserted: [], removed: [anInstance().uid] };
    const once = reduceService(page(), "fleet/relay", message);
    expect(once?.instances).toEqual([]);
    expect(reduceService(once, "fleet/relay", message)).toBe(once);
  });

  it("shows events newest first and refuses an older count of the same event", () => {
    const later = anEvent({ uid: "event-2", lastAt: "2026-11-20T10:05:00.000Z", count: 4 });
    const next = reduceService(page(), "fleet/relay", { type: "events", service: "fleet/relay", upserted: [later], removed: [] });
    expect(next?.events.map((event) => event.uid)).toEqual(["event-2", "event-1"]);
    const older = { ...later, lastAt: "2026-11-20T10:04:00.000Z", count: 3 };
    expect(reduceService(next, "fleet/relay", { type: "events", service: "fleet/relay", upserted: [older], removed: [] })).toBe(
      next,
    );
  });

  it("takes the figures of its service and of its instances", () => {
    const withService = reduceService(page(), "fleet/relay", { type: "figures", services: { "fleet/relay": figures } });
    expect(withService?.serviceFigures).toEqual(figures);
    const withInstances = reduceService(withService, "fleet/relay", {
      type: "instanceFigures",
      service: "fleet/relay",
      instances: { "relay-5d8c7b-aaaaa": { cpuCores: 0.1, memoryBytes: 1000 } },
    });
    expect(withInstances?.figures["relay-5d8c7b-aaaaa"]?.cpuCores).toBe(0.1);
  });

  it("says when its service is gone, and not when it is only replaced", () => {
    expect(removesService("fleet/relay", { type: "services", upserted: [], removed: ["fleet/relay"] })).toBe(true);
    expect(removesService("fleet/relay", { type: "services", upserted: [aService()], removed: ["fleet/relay"] })).toBe(false);
    expect(removesService("fleet/relay", snapshot({ services: [] }))).toBe(true);
    expect(removesService("fleet/relay", { type: "heartbeat", at: "" })).toBe(false);
  });
});
