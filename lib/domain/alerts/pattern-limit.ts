import type { Database } from "#lib/database/client.ts";
import type { Transaction } from "../context.ts";
import { explainBadPatterns } from "./matchers.ts";

const statementTimeoutMs = 5_000;

/** Longer than the statements of a read can take together, so that their own limit is what a person is told of. */
const transactionTimeoutMs = 4 * statementTimeoutMs;

/**
 * Runs reads whose regular expressions a person wrote: each statement ends after 5 s, so that a costly pattern holds nobody else up.
 * A pattern that is wrong or takes too long becomes invalid-input on `field`.
 */
export function withPersonsPatterns<T>(
  db: Database,
  read: (transaction: Transaction) => Promise<T>,
  { field = "labels", timeoutMs = statementTimeoutMs }: { field?: string; timeoutMs?: number } = {},
): Promise<T> {
  return explainBadPatterns(
    () =>
      db.$transaction(
        async (transaction) => {
          await transaction.$executeRawUnsafe(`SET LOCAL statement_timeout = ${Math.ceil(timeoutMs)}`);
          return read(transaction);
        },
        { timeout: transactionTimeoutMs },
      ),
    field,
  );
}
