import { checkItem } from "#lib/domain/incidents/checks.ts";
import { route } from "#lib/web/route.ts";

export const PUT = route(({ context, params, body, key }) => checkItem(context, params.id ?? "", body, key));
