import { listHistory } from "#lib/domain/alerts/history.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, search }) => listHistory(context, search));
