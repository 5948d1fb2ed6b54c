import { getBackup } from "#lib/domain/recovery/backups/queries.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params }) => getBackup(context, params.id ?? ""));
