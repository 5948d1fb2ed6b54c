import type { Context } from "../../context.ts";
import type { Page } from "../../rollouts/schemas.ts";
import type { RestorePreview, RestoreView } from "./schemas.ts";

/** Restores, the newest first, a page at a time. */
export declare function listRestores(context: Context, input: unknown): Promise<Page<RestoreView>>;

/** One restore; throws not-found. */
export declare function getRestore(context: Context, id: string): Promise<RestoreView>;

/** What a restore would do, asked of the present now; nothing is written. `search`: previewRestoreSchema. */
export declare function previewRestore(context: Context, request: { backupId: string; search: unknown }): Promise<RestorePreview>;
