import type { AuditEntry } from "#lib/database/generated/client.ts";
import { findByKey } from "./actions/ledger.ts";
import { idempotencyKeySchema } from "./actions/schemas.ts";
import { type Context, isUniqueViolation } from "./context.ts";
import { DomainError } from "./errors.ts";
import { parseInput } from "./validation.ts";

/** What an audit entry keeps of a request that came with a key. */
export type Keyed = { idempotencyKey: string | null; requestHash: string | null };

export const notKeyed: Keyed = { idempotencyKey: null, requestHash: null };

type Request<T> = {
  /** What came as Idempotency-Key; undefined for none. */
  key: unknown;
  /** `hashRequest` of what is asked for. */
  hash: string;
  /** Does it; the audit entry that it writes takes what it is given. */
  run: (keyed: Keyed) => Promise<T>;
  /** The answer that was given before, from that entry; null when it holds none. */
  recall: (entry: AuditEntry) => Promise<T | null> | T | null;
};

/**
 * Does it once for its key, however often it is asked for: later requests, also those at the same time, get the first one's answer.
 * Throws idempotency-conflict for a key that was used for something else.
 */
export async function once<T>(context: Context, { key, hash, run, recall }: Request<T>): Promise<T> {
  if (key === undefined) return run(notKeyed);
  const request = { key: parseInput(idempotencyKeySchema, key), hash };
  const find = async () => {
    const entry = await findByKey(context, request);
    return entry && recall(entry);
  };
  const earlier = await find();
  if (earlier !== null) return earlier;
  try {
    return await run({ idempotencyKey: request.key, requestHash: hash });
  } catch (error) {
    // One that came at the same time may have done it, so that there is nothing left to do.
    const isLate = isUniqueViolation(error) || (error instanceof DomainError && error.code === "precondition-failed");
    const first = isLate ? await find() : null;
    if (first !== null) return first;
    throw error;
  }
}
