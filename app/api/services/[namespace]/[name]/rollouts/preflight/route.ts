import { checkRollout } from "#lib/domain/rollouts/start/preflight.ts";
import { route } from "#lib/web/route.ts";
import { getSealer } from "#lib/web/runtime.ts";

export const POST = route(({ context, params, body }) => checkRollout({ ...context, sealer: getSealer() }, params, body));
