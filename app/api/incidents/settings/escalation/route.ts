import { getEscalation, setEscalation } from "#lib/domain/incidents/opening/escalation-settings.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context }) => getEscalation(context));
export const PUT = route(({ context, body }) => setEscalation(context, body));
