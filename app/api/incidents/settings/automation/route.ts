import { getAutomation, setAutomation } from "#lib/domain/incidents/opening/automation-settings.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context }) => getAutomation(context));
export const PUT = route(({ context, body }) => setAutomation(context, body));
