import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ConsoleContext } from "../../context.ts";
import { type IncidentWorld, startIncidentWorld } from "../../incidents/test-incidents.ts";
import { clearRecoveryObjective, setRecoveryObjective } from "./commands.ts";
import { getRecoverability } from "./recoverability.ts";

let world: IncidentWorld;
let admin: ConsoleContext;

beforeAll(async () => {
  world = await startIncidentWorld();
  // The fleet knows the relay; nothing else of a console is asked for here.
  const context = world.as("ada", "admin");
  admin = { ...context, fleet: Object.assign(context.fleet, { findKind: () => "relay" }) } as unknown as ConsoleContext;
});
afterAll(() => world.drop());
beforeEach(async () => {
  await world.db.backup.deleteMany();
  await world.db.drill.deleteMany();
  await world.db.recoveryObjective.deleteMany();
});

const standing = async (scenario: string) =>
  (await getRecoverability(admin, "fleet/relay")).scenarios.find((one) => one.scenario === scenario);

function backup(takenSecondsAgo: number, over: object = {}) {
  const at = new Date(world.now().getTime() - takenSecondsAgo * 1000);
  return world.db.backup.create({
    data: {
      subject: "fleet/relay",
      namespace: "fleet",
      service: "relay",
      purpose: "scheduled",
      contents: {},
      reason: "every hour",
      requestedByKind: "system",
      requestedByName: "Switchyard",
      message: "",
      state: "completed",
      proof: "checksums",
      createdAt: at,
      takenAt: at,
      ...over,
    },
  });
}

function drill(over: object) {
  return world.db.drill.create({
    data: {
      scenario: "instance",
      subject: "fleet/relay",
      settings: {},
      reason: "quarterly",
      requestedByName: "ada",
      state: "completed",
      message: "",
      rtoObjectiveMs: 30_000n,
      rpoObjectiveMs: 0n,
      createdAt: world.now(),
      run: {},
      ...over,
    },
  });
}

describe("recovery objectives", () => {
  it("are the guides' until an administrator sets others, and again once these are cleared; each change is audited", async () => {
    expect(await standing("database")).toMatchObject({ objective: { rtoSeconds: 3600, rpoSeconds: 60 }, isOwn: false });
    const set = { scenario: "database", rtoSeconds: 1800, rpoSeconds: 900, reason: "dumps every ten minutes" };
    await setRecoveryObjective(admin, "fleet/relay", set);
    expect(await standing("database")).toMatchObject({ objective: { rtoSeconds: 1800, rpoSeconds: 900 }, isOwn: true });
    expect(await standing("redis")).toMatchObject({ objective: { rtoSeconds: 300, rpoSeconds: 10 }, isOwn: false });
    await clearRecoveryObjective(admin, "fleet/relay", { scenario: "database", reason: "WAL is archived now" });
    expect(await standing("database")).toMatchObject({ objective: { rtoSeconds: 3600, rpoSeconds: 60 }, isOwn: false });
    const entries = await world.db.auditEntry.findMany({ where: { targetKind: "recovery-objectives" }, orderBy: { id: "asc" } });
    expect(entries.map(({ verb, actorName, reason }) => ({ verb, actorName, reason }))).toEqual([
      { verb: "set", actorName: "ada", reason: "dumps every ten minutes" },
      { verb: "clear", actorName: "ada", reason: "WAL is archived now" },
    ]);
  });

  it("are refused from others than administrators, for no scenario, and for a subject that is none", async () => {
    const set = { scenario: "database", rtoSeconds: 60, rpoSeconds: 60, reason: "because" };
    await expect(setRecoveryObjective(world.as("olga"), "fleet/relay", set)).rejects.toMatchObject({ code: "not-permitted" });
    await expect(setRecoveryObjective(admin, "fleet/relay", { ...set, scenario: "flood" })).rejects.toMatchObject({
      code: "invalid-input",
    });
    await expect(setRecoveryObjective(admin, "relay", set)).rejects.toThrow("Name the service as NAMESPACE/NAME, or switchyard.");
    const clear = { scenario: "redis", reason: "because" };
    await expect(clearRecoveryObjective(admin, "fleet/relay", clear)).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("the recoverability of a service", () => {
  it("counts the newest verified backup, not one that failed its proof, is partial, or was not looked at", async () => {
    expect(await getRecoverability(admin, "fleet/relay")).toMatchObject({ exposureSeconds: null, state: "missing" });
    const good = await backup(50);
    await backup(10, { proof: "unverified" });
    await backup(20, { proof: "failed" });
    await backup(30, { state: "partial" });
    expect(await getRecoverability(admin, "fleet/relay")).toMatchObject({
      exposureSeconds: 50,
      state: "fresh",
      newestVerified: { id: good.id },
    });
    world.pass(11);
    expect(await getRecoverability(admin, "fleet/relay")).toMatchObject({ exposureSeconds: 61, state: "stale", rpoSeconds: 60 });
  });

  it("shows the newest drill of each scenario that came to a verdict", async () => {
    await drill({ verdict: "missed", rtoMs: 31_000n, rpoMs: 0n, lostWrites: 0, errorMs: 200 });
    world.pass(60);
    const newest = await drill({ verdict: "met", rtoMs: 4_200n, rpoMs: 0n, lostWrites: 0, errorMs: 200 });
    world.pass(60);
    await drill({ state: "aborted", verdict: null, id: randomUUID() });
    expect((await standing("instance"))?.measured).toMatchObject({ drillId: newest.id, rtoMs: 4200, verdict: "met" });
    expect((await standing("node"))?.measured).toBeNull();
  });

  it("of Switchyard itself is that of its own database", async () => {
    const { scenarios, rpoSeconds, state } = await getRecoverability(admin, "switchyard");
    expect(scenarios.map(({ scenario }) => scenario)).toEqual(["control-plane"]);
    expect({ rpoSeconds, state }).toEqual({ rpoSeconds: 60, state: "missing" });
  });
});
