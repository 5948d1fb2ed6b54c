import { previewPanel } from "#lib/domain/metrics/queries.ts";
import { route } from "#lib/web/route.ts";
import { metricsSettings } from "#lib/web/runtime.ts";

export const POST = route(({ context, params, body, search }) => previewPanel(context, metricsSettings(), params, body, search));
