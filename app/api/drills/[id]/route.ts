import { getDrill } from "#lib/domain/recovery/drills/queries.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params }) => getDrill(context, params.id ?? ""));
