import { listLiveAlerts } from "#lib/domain/alerts/live-alerts.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, search }) => listLiveAlerts(context, search));
