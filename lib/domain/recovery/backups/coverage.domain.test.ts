import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { ConsoleContext } from "../../context.ts";
import { type IncidentWorld, startIncidentWorld } from "../../incidents/test-incidents.ts";
import { setRecoveryObjective } from "../objectives/commands.ts";
import { listCoverage } from "./coverage.ts";

let world: IncidentWorld;
let context: ConsoleContext;

const services = [
  { id: "fleet/relay", namespace: "fleet", name: "relay", kind: "relay" },
  { id: "fleet/prober", namespace: "fleet", name: "prober", kind: "prober" },
];

beforeAll(async () => {
  world = await startIncidentWorld();
  const known = world.as("ada", "admin");
  // The fleet knows two services; nothing else of a console is asked for here.
  context = { ...known, fleet: { listServices: () => services } } as unknown as ConsoleContext;
});
afterAll(() => world.drop());
beforeEach(async () => {
  await world.db.backup.deleteMany();
  await world.db.recoveryObjective.deleteMany();
});

const coverageOf = async (subject: string) => (await listCoverage(context)).find((one) => one.subject === subject);

function add(takenSecondsAgo: number, over: object = {}) {
  const at = new Date(world.now().getTime() - takenSecondsAgo * 1000);
  const subject = { subject: "fleet/relay", namespace: "fleet", service: "relay" };
  const by = { reason: "every hour", requestedByKind: "system" as const, requestedByName: "Switchyard", message: "" };
  const data = { ...subject, ...by, purpose: "scheduled" as const, contents: {}, createdAt: at, takenAt: at };
  return world.db.backup.create({ data: { ...data, state: "completed", proof: "checksums", ...over } });
}

test("every service and Switchyard itself say what they would lose, also before anything was backed up", async () => {
  expect(await listCoverage(context)).toMatchObject([
    { subject: "fleet/prober", state: "none", exposureSeconds: null },
    { subject: "fleet/relay", state: "missing", rpoSeconds: 60, plan: { isSet: false } },
    { subject: "switchyard", state: "missing", namespace: null },
  ]);
});

test("the age of the newest verified backup counts, not that of one that failed after it", async () => {
  await add(7_200);
  const good = await add(50);
  await add(40, { proof: "failed" });
  await add(30, { state: "partial" });
  const failed = await add(20, { state: "failed", proof: "unverified" });
  expect(await coverageOf("fleet/relay")).toMatchObject({
    state: "fresh",
    exposureSeconds: 50,
    newest: { id: failed.id },
    newestVerified: { id: good.id },
  });
  await world.db.backup.update({ where: { id: good.id }, data: { proof: "failed" } });
  expect(await coverageOf("fleet/relay")).toMatchObject({ state: "stale", exposureSeconds: 7_200 });
});

test("a copy of what a restore has replaced is not counted on", async () => {
  const good = await add(3_000);
  await add(10, { purpose: "before_restore" });
  expect(await coverageOf("fleet/relay")).toMatchObject({ exposureSeconds: 3_000, newestVerified: { id: good.id } });
});

test("an objective of its own is what the age is held against", async () => {
  await add(3_000);
  expect(await coverageOf("fleet/relay")).toMatchObject({ state: "stale", rpoSeconds: 60 });
  const wanted = { scenario: "database", rtoSeconds: 3_600, rpoSeconds: 3_600, reason: "backups every hour are enough" };
  await setRecoveryObjective(context, "fleet/relay", wanted);
  expect(await coverageOf("fleet/relay")).toMatchObject({ state: "fresh", rpoSeconds: 3_600 });
});

test("a service that is gone is covered as long as it has backups", async () => {
  await add(10, { subject: "fleet/gone", service: "gone" });
  expect(await coverageOf("fleet/gone")).toMatchObject({ namespace: "fleet", service: "gone", kind: null, state: "fresh" });
});
