import { getRolloutOptions } from "#lib/domain/rollouts/start/options.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params }) => getRolloutOptions(context, params));
