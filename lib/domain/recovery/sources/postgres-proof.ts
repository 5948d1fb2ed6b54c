import type { ServerAddress } from "#lib/database/server-connection.ts";
import type { RecoveryCheck } from "../schemas.ts";
import type { PostgresFacts } from "./postgres-facts.ts";

/** Whether pg_restore can read the dump's table of contents, and finds every table of the facts in it. Reads the dump to its end. */
export declare function checkDump(
  dump: AsyncIterable<Uint8Array>,
  facts: PostgresFacts,
  signal?: AbortSignal,
): Promise<RecoveryCheck[]>;

/** Restores the dump into a scratch server, asks it what was asked when it was saved, and removes the server. */
export declare function provePostgres(
  dump: AsyncIterable<Uint8Array>,
  facts: PostgresFacts,
  scratch: { workDir: string; signal?: AbortSignal },
): Promise<RecoveryCheck[]>;

/** Holds a database against the facts: rows and highest number of every table, in one snapshot. */
export declare function comparePostgres(address: ServerAddress, facts: PostgresFacts): Promise<RecoveryCheck[]>;
