import { summariseHistory } from "#lib/domain/alerts/history-summary.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, search }) => summariseHistory(context, search));
