import { changeItem } from "#lib/domain/incidents/action-items/commands.ts";
import { getItem } from "#lib/domain/incidents/action-items/queries.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params }) => getItem(context, params.id ?? ""));
export const PATCH = route(({ context, params, body }) => changeItem(context, params.id ?? "", body));
