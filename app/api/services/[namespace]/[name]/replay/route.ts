import { replayAnalysis } from "#lib/domain/rollouts/analysis/replay.ts";
import { route } from "#lib/web/route.ts";

export const POST = route(({ context, params, body }) => replayAnalysis(context, params, body));
