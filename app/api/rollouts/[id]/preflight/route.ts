import { getRolloutPreflight } from "#lib/domain/rollouts/queries.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params }) => getRolloutPreflight(context, params.id ?? ""));
