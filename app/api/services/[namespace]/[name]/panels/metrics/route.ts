import { listMetrics } from "#lib/domain/metrics/queries.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params }) => listMetrics(context, params));
