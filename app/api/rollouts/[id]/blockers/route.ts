import { listRetryBlockers } from "#lib/domain/rollouts/retry.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params }) => listRetryBlockers(context, params.id ?? ""));
