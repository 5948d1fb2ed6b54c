import { abortDrill } from "#lib/domain/recovery/drills/commands.ts";
import { route } from "#lib/web/route.ts";

export const POST = route(({ context, params, body }) => abortDrill(context, params.id ?? "", body));
