import { listRules } from "#lib/domain/alerts/rules.ts";
import { route } from "#lib/web/route.ts";
import { metricsSettings } from "#lib/web/runtime.ts";

export const GET = route(({ context, search }) => listRules(context, search, metricsSettings().prometheusUrl));
