import { getAlertRetention, setAlertRetention } from "#lib/domain/alerts/retention.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context }) => getAlertRetention(context));
export const PUT = route(({ context, body }) => setAlertRetention(context, body));
