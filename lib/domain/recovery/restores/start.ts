import type { Backup, Restore } from "#lib/database/generated/client.ts";
import type { Context, Transaction } from "../../context.ts";
import type { RestoreMode, RestoreView } from "./schemas.ts";

/** What somebody asks for, as it comes. */
export type StartRequest = { backupId: string; body: unknown; key: unknown };

/**
 * Asks for a restore, which the controller carries out. Scratch and namespace: operators; in place: administrators who type the
 * subject's name. Once for its key, audited. Throws precondition-failed while another one of the subject is under way.
 */
export declare function startRestore(context: Context, request: StartRequest): Promise<RestoreView>;

export type NewRestore = {
  backup: Backup;
  mode: RestoreMode;
  parts: string[] | null;
  intoNamespace: string | null;
  isPresentLost: boolean;
  reason: string;
};

/** The same in a transaction of one's own: nobody's role is asked. Throws precondition-failed. */
export declare function createRestore(
  transaction: Transaction,
  context: Pick<Context, "actor" | "clock" | "requestId">,
  restore: NewRestore,
): Promise<Restore>;
