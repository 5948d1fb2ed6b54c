import { PrismaPg } from "@prisma/adapter-pg";
import type { SqlDriverAdapter, Transaction } from "@prisma/driver-adapter-utils";

/**
 * Prisma's adapter for pg with one query at a time on the connection of a transaction. Prisma reads several relations of a row at once,
 * which pg has lined up by itself so far, with a warning that it will not for ever.
 */
export class OneAtATimePg extends PrismaPg {
  override async connect(): ReturnType<PrismaPg["connect"]> {
    const adapter = await super.connect();
    const start = adapter.startTransaction.bind(adapter);
    adapter.startTransaction = async (...args: Parameters<SqlDriverAdapter["startTransaction"]>) =>
      oneAtATime(await start(...args));
    return adapter;
  }
}

/** The same transaction, whose queries wait for each other. One that fails holds up none. */
export function oneAtATime(transaction: Transaction): Transaction {
  let last: Promise<unknown> = Promise.resolve();
  function inTurn<Query, Answer>(run: (query: Query) => Promise<Answer>): (query: Query) => Promise<Answer> {
    return (query) => {
      const answer = last.then(() => run(query));
      last = answer.catch(() => {});
      return answer;
    };
  }
  transaction.queryRaw = inTurn(transaction.queryRaw.bind(transaction));
  transaction.executeRaw = inTurn(transaction.executeRaw.bind(transaction));
  return transaction;
}
