import { setTimeout as sleep } from "node:timers/promises";
import { type ServerAddress, withServer } from "./server-connection.ts";

/** How a server stands. Of a standby, how far it has replayed, and when the last transaction was that it knows. */
export type ServerRole =
  | { kind: "primary"; position: string }
  | { kind: "standby"; position: string; lastTransactionAt: Date | null };

const connectTimeoutMs = 3_000;
const pollMs = 100;

/** Asks a server what it is. Rejects with the driver's error when it does not answer within 3 s. */
export function readServerRole(address: ServerAddress): Promise<ServerRole> {
  return withServer(address, async (client) => {
    const { rows } = await client.query<{ standby: boolean; position: string | null; at: Date | null }>(
      `SELECT pg_is_in_recovery() AS standby,
        CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text AS position,
        CASE WHEN pg_is_in_recovery() THEN pg_last_xact_replay_timestamp() END AS at`,
    );
    const { standby = false, position, at = null } = rows[0] ?? {};
    return standby
      ? { kind: "standby", position: position ?? "0/0", lastTransactionAt: at }
      : { kind: "primary", position: position ?? "0/0" };
  });
}

/**
 * Makes new transactions on a primary read-only, or takes that back, and tells its position then. Writes under way end as they
 * would. Needs a superuser; rejects with code 42501 without one.
 */
export function setReadOnly(address: ServerAddress, isReadOnly: boolean): Promise<string> {
  return withServer(address, async (client) => {
    await client.query(
      `ALTER SYSTEM ${isReadOnly ? "SET default_transaction_read_only = on" : "RESET default_transaction_read_only"}`,
    );
    await client.query("SELECT pg_reload_conf()");
    const { rows } = await client.query<{ position: string }>("SELECT pg_current_wal_lsn()::text AS position");
    return rows[0]?.position ?? "0/0";
  });
}

/** Waits until a standby has replayed up to a position. False when it has not within `timeoutMs`. */
export function waitForReplay(address: ServerAddress, position: string, timeoutMs: number): Promise<boolean> {
  const until = performance.now() + timeoutMs;
  return withServer(address, async (client) => {
    for (;;) {
      const { rows } = await client.query<{ done: boolean }>(
        "SELECT coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false) OR NOT pg_is_in_recovery() AS done",
        [position],
      );
      if (rows[0]?.done) return true;
      if (performance.now() > until) return false;
      await sleep(pollMs);
    }
  });
}

/** Makes a standby the primary; false when it is none within `waitSeconds`. One that is a primary already stays so. */
export function promote(address: ServerAddress, waitSeconds: number): Promise<boolean> {
  return withServer(
    address,
    async (client) => {
      const { rows } = await client.query<{ done: boolean }>(
        "SELECT CASE WHEN pg_is_in_recovery() THEN pg_promote(true, $1) ELSE true END AS done",
        [waitSeconds],
      );
      return rows[0]?.done ?? false;
    },
    waitSeconds * 1000 + connectTimeoutMs,
  );
}
