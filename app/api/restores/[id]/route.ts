import { getRestore } from "#lib/domain/recovery/restores/queries.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params }) => getRestore(context, params.id ?? ""));
