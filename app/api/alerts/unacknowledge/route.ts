import { unacknowledgeAlerts } from "#lib/domain/alerts/acknowledge.ts";
import { route } from "#lib/web/route.ts";

export const POST = route(({ context, body }) => unacknowledgeAlerts(context, body));
