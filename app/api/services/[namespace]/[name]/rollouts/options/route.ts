import { getRolloutOptions } from "#lib/domain/rollouts/options.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params }) => getRolloutOptions(context, params));
