import { measurePostmortem } from "#lib/domain/incidents/postmortem/commands.ts";
import { route } from "#lib/web/route.ts";
import { metricsSettings } from "#lib/web/runtime.ts";

export const POST = route(({ context, params }) => measurePostmortem({ ...context, ...metricsSettings() }, params.id ?? ""));
