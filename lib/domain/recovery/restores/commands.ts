import type { Context } from "../../context.ts";
import type { RestoreView } from "./schemas.ts";

/** Gives a restore up: what it has stopped is started again. Operators. Throws precondition-failed when it is over, or past the point. */
export declare function cancelRestore(
  context: Context,
  request: { id: string; body: unknown; key: unknown },
): Promise<{ restore: RestoreView; message: string }>;
