import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { createTestDatabase } from "../../../../e2e/postgres.ts";
import { testContext } from "../../actions/test-fleet.ts";
import type { Context } from "../../context.ts";
import { cancelFreezeWindow, createFreezeWindow, findFreeze, findNextFreeze, listFreezeWindows } from "./freeze.ts";

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let admin: Context;
let now = new Date("2026-12-20T12:00:00Z");

beforeAll(async () => {
  database = await createTestDatabase();
  const kubernetes = null as unknown as KubernetesClient;
  admin = testContext({ db: database.database, kubernetes, clock: () => now }, { role: "admin", name: "ada" });
});
afterAll(() => database?.drop());

const relay = { namespace: "fleet", name: "relay" };
const christmas = { startsAt: "2026-12-24T00:00:00Z", endsAt: "2026-12-27T00:00:00+02:00", reason: "Christmas" };

test("a freeze holds for what it names, from its start to its end, and is audited", async () => {
  const { db } = admin;
  const all = await createFreezeWindow(admin, { ...christmas, namespace: "fleet" });
  expect(all).toMatchObject({ state: "upcoming", endsAt: "2026-12-26T22:00:00.000Z", createdBy: "ada" });
  expect(await findFreeze(db, relay, now)).toBeNull();
  expect(await findNextFreeze(db, relay, now, 86_400)).toBeNull();
  expect(await findNextFreeze(db, relay, now, 4 * 86_400)).toMatchObject({ id: all.id });
  const during = new Date("2026-12-25T00:00:00Z");
  expect(await findFreeze(db, relay, during)).toMatchObject({ id: all.id });
  expect(await findFreeze(db, { namespace: "monitoring", name: "prometheus" }, during)).toBeNull();
  expect(await findFreeze(db, relay, new Date(all.endsAt))).toBeNull();
  const own = await createFreezeWindow(admin, {
    ...christmas,
    namespace: "fleet",
    service: "hub",
    endsAt: "2027-01-02T00:00:00Z",
  });
  expect(await findFreeze(db, { namespace: "fleet", name: "hub" }, during)).toMatchObject({ id: own.id });
  expect(await db.auditEntry.findMany({ where: { targetKind: "freeze-window" }, orderBy: { id: "asc" } })).toMatchObject([
    { verb: "create", targetName: "fleet", reason: "Christmas" },
    { verb: "create", targetName: "hub" },
  ]);
});

test("one that is cancelled holds no more; one that is over cannot be cancelled", async () => {
  now = new Date("2026-12-25T00:00:00Z");
  const { items } = await listFreezeWindows(admin, { state: "active", namespace: "fleet", service: "relay" });
  const [window] = items;
  const cancelled = await cancelFreezeWindow(admin, window?.id ?? "", { reason: "the plan changed" });
  expect(cancelled).toMatchObject({ state: "cancelled", cancelledBy: "ada" });
  expect(await findFreeze(admin.db, relay, now)).toBeNull();
  await expect(cancelFreezeWindow(admin, window?.id ?? "", { reason: "once more" })).rejects.toThrow("over already");
});

test("is an administrator's; nonsense is refused by field", async () => {
  const operator = { ...admin, actor: { ...admin.actor, role: "operator" as const } };
  await expect(createFreezeWindow(operator, christmas)).rejects.toThrow("this needs the role admin");
  await expect(createFreezeWindow(admin, { ...christmas, service: "relay" })).rejects.toThrow("Name the service's namespace.");
  await expect(createFreezeWindow(admin, { ...christmas, endsAt: christmas.startsAt })).rejects.toThrow(
    "It must end after it starts.",
  );
  await expect(
    createFreezeWindow(admin, { ...christmas, startsAt: "2026-12-01T00:00:00Z", endsAt: "2026-12-02T00:00:00Z" }),
  ).rejects.toThrow("It is over already.");
});

test("the list pages, the latest start first, and filters by state", async () => {
  const first = await listFreezeWindows(admin, { limit: 1 });
  const second = await listFreezeWindows(admin, { limit: 1, cursor: first.nextCursor });
  expect([first, second].map(({ items }) => items.length)).toEqual([1, 1]);
  expect(first.items[0]?.id).not.toBe(second.items[0]?.id);
  expect(second.nextCursor).toBeNull();
  expect((await listFreezeWindows(admin, { state: "cancelled" })).items).toHaveLength(1);
});
