import { checkRollout } from "#lib/domain/rollouts/preflight.ts";
import { route } from "#lib/web/route.ts";

export const POST = route(({ context, params, body }) => checkRollout(context, params, body));
