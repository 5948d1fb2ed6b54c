import { clearObjective, setObjective } from "#lib/domain/objectives/commands.ts";
import { route } from "#lib/web/route.ts";

export const PUT = route(({ context, params, body }) => setObjective(context, params, body));
export const DELETE = route(({ context, params, body }) => clearObjective(context, params, body));
