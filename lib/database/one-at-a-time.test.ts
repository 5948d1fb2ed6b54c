import type { SqlQuery, Transaction } from "@prisma/driver-adapter-utils";
import { expect, test } from "vitest";
import { oneAtATime } from "./one-at-a-time.ts";

const query = (sql: string): SqlQuery => ({ sql, args: [], argTypes: [] });

/** A connection that notes how many queries it had at once, and refuses "wrong". */
function connection() {
  const noted = { most: 0, order: [] as string[] };
  let running = 0;
  async function run({ sql }: SqlQuery) {
    running += 1;
    noted.most = Math.max(noted.most, running);
    noted.order.push(sql);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    if (sql === "wrong") throw new Error("refused");
    return sql;
  }
  const transaction = { queryRaw: run, executeRaw: run } as unknown as Transaction;
  return { noted, transaction: oneAtATime(transaction) };
}

test("queries of a transaction that come at once are asked one after the other, in their order", async () => {
  const { noted, transaction } = connection();
  const answers = await Promise.all([
    transaction.queryRaw(query("a")),
    transaction.executeRaw(query("b")),
    transaction.queryRaw(query("c")),
  ]);
  expect(answers).toEqual(["a", "b", "c"]);
  expect(noted).toEqual({ most: 1, order: ["a", "b", "c"] });
});

test("one that fails says so, and the next one is asked", async () => {
  const { transaction } = connection();
  const [failed, next] = await Promise.allSettled([transaction.queryRaw(query("wrong")), transaction.queryRaw(query("b"))]);
  expect(failed).toMatchObject({ status: "rejected", reason: { message: "refused" } });
  expect(next).toMatchObject({ status: "fulfilled", value: "b" });
});
