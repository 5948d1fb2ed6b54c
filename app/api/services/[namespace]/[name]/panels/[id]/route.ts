import { changePanel, removePanel } from "#lib/domain/metrics/panel-commands.ts";
import { route } from "#lib/web/route.ts";
import { metricsSettings } from "#lib/web/runtime.ts";

export const PATCH = route(({ context, params, body }) => changePanel(context, metricsSettings(), params, params.id ?? "", body));

export const DELETE = route(({ context, params, search }) => removePanel(context, params, params.id ?? "", search));
