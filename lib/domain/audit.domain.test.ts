import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Database } from "#lib/database/client.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { createTestDatabase } from "../../e2e/postgres.ts";
import { testContext } from "./actions/test-fleet.ts";
import { getAudit, listAudit, writeAudit } from "./audit.ts";
import { type Context, transact } from "./context.ts";

let db: Database;
let drop: () => Promise<void>;
let context: Context;

beforeAll(async () => {
  ({ database: db, drop } = await createTestDatabase());
  context = testContext({ db, kubernetes: null as unknown as KubernetesClient }, { role: "viewer" });
  // Many rows share a time, so that the order within one is tested, too.
  await db.$executeRaw`
    INSERT INTO audit_entries (id, at, actor_kind, actor_name, verb, target_kind, target_namespace, target_name, reason, outcome, request_id)
    SELECT gen_random_uuid(), timestamptz '2026-01-01' + (n / 7) * interval '1 second', 'user', 'user-' || n % 40, 'scale', 'service',
      'fleet', 'service-' || n % 100, 'reason ' || n, 'succeeded', 'request' FROM generate_series(1, 200000) AS n`;
  await db.$executeRaw`ANALYZE audit_entries`;
});
afterAll(() => drop?.());

test("pages follow each other without a gap or a doubling", async () => {
  const seen: { at: string; id: string }[] = [];
  let cursor: string | null | undefined;
  for (let page = 0; page < 10; page += 1) {
    const answer = await listAudit(context, { limit: "50", ...(cursor ? { cursor } : {}) });
    seen.push(...answer.items);
    cursor = answer.nextCursor;
  }
  expect(new Set(seen.map(({ id }) => id)).size).toBe(500);
  expect(seen.map(({ at }) => at)).toEqual(
    seen
      .map(({ at }) => at)
      .toSorted()
      .reverse(),
  );
});

test("the last page says that it is the last", async () => {
  const answer = await listAudit(context, { target: "service-3", from: "2026-01-01T07:55:00Z", limit: "200" });
  expect(answer.items.length).toBeGreaterThan(0);
  expect(answer.nextCursor).toBeNull();
  expect(new Set(answer.items.map(({ target }) => target))).toEqual(new Set(["service-3"]));
});

test("a page deep in the history reads no more of the table than the first one", async () => {
  const middle = await db.auditEntry.findFirstOrThrow({ orderBy: [{ at: "desc" }, { id: "desc" }], skip: 150_000 });
  const cursor = Buffer.from(`${middle.at.toISOString()} ${middle.id}`).toString("base64url");
  const { items } = await listAudit(context, { cursor, limit: "50" });
  expect(items).toHaveLength(50);
  const [explained] = await db.$queryRaw<{ "QUERY PLAN": { Plan: Record<string, number> }[] }[]>`
    EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM audit_entries
    WHERE at <= ${middle.at} AND (at < ${middle.at} OR id < ${middle.id}::uuid) ORDER BY at DESC, id DESC LIMIT 51`;
  const plan = explained?.["QUERY PLAN"][0]?.Plan;
  const blocks = (plan?.["Shared Hit Blocks"] ?? Number.NaN) + (plan?.["Shared Read Blocks"] ?? Number.NaN);
  expect(blocks).toBeLessThan(500);
});

test("filters and searches combine", async () => {
  const { items } = await listAudit(context, { actor: "user-7", search: "REASON 4007" });
  expect(items.map(({ reason }) => reason)).toContain("reason 4007");
  expect(items.every(({ actor }) => actor === "user-7")).toBe(true);
});

test("a cursor that is none of ours is refused", async () => {
  await expect(listAudit(context, { cursor: "bm9uc2Vuc2U" })).rejects.toMatchObject({ code: "invalid-input" });
});

test("one entry is found by its id, and another id is not found", async () => {
  const record = {
    verb: "scale",
    targetKind: "service",
    targetName: "relay",
    outcome: "refused",
    error: { code: "stale", message: "no" },
  } as const;
  const { id } = await transact(context, (transaction) => writeAudit(transaction, context, record));
  expect(await getAudit(context, id)).toMatchObject({
    outcome: "refused",
    error: { code: "stale", message: "no" },
    before: null,
  });
  await expect(getAudit(context, randomUUID())).rejects.toMatchObject({ code: "not-found" });
  await expect(getAudit(context, "no-id")).rejects.toMatchObject({ code: "not-found" });
});

test("what a transaction throws away leaves no entry", async () => {
  const record = { verb: "vanish", targetKind: "service", targetName: "relay", outcome: "succeeded" } as const;
  const work = transact(context, async (transaction) => {
    await writeAudit(transaction, context, record);
    throw new Error("undone");
  });
  await expect(work).rejects.toThrow("undone");
  expect(await db.auditEntry.count({ where: { verb: "vanish" } })).toBe(0);
});
