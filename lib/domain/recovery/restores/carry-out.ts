import type { RecoveryContext } from "../context.ts";

/** One pass over the restores that are asked for or under way. May be killed at any instant, and run by two controllers at once. */
export declare function carryOutRestores(context: RecoveryContext): Promise<void>;
