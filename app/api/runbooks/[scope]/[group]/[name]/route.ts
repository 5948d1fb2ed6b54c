import { saveRunbook } from "#lib/domain/runbooks/commands.ts";
import { getRunbook } from "#lib/domain/runbooks/queries.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params }) => getRunbook(context, params));
export const PUT = route(({ context, params, body }) => saveRunbook(context, params, body));
