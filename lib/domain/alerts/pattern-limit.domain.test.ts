import { afterAll, beforeAll, expect, test } from "vitest";
import type { Database } from "#lib/database/client.ts";
import { createTestDatabase } from "../../../e2e/postgres.ts";
import { withPersonsPatterns } from "./pattern-limit.ts";

let db: Database;
let drop: () => Promise<void>;

beforeAll(async () => {
  ({ database: db, drop } = await createTestDatabase());
});
afterAll(() => drop?.());

test("a read that takes too long is ended and said so at its field", async () => {
  const read = withPersonsPatterns(db, (transaction) => transaction.$queryRaw`SELECT pg_sleep(30)::text`, {
    field: "matchers",
    timeoutMs: 50,
  });
  await expect(read).rejects.toMatchObject({
    code: "invalid-input",
    details: { fields: { matchers: [expect.stringContaining("takes too long")] } },
  });
});

test("a pattern that is wrong is said so, and the limit ends with the read", async () => {
  const read = withPersonsPatterns(db, (transaction) => transaction.$queryRaw`SELECT 'a' ~ ${"("}`);
  await expect(read).rejects.toMatchObject({
    code: "invalid-input",
    details: { fields: { labels: [expect.stringContaining("cannot be read")] } },
  });
  expect(await db.$queryRaw`SHOW statement_timeout`).toEqual([{ statement_timeout: "0" }]);
});
