import { checkExpression } from "#lib/domain/metrics/panel-check.ts";
import { route } from "#lib/web/route.ts";
import { metricsSettings } from "#lib/web/runtime.ts";

export const POST = route(({ context, params, body }) => checkExpression(context, metricsSettings(), params, body));
