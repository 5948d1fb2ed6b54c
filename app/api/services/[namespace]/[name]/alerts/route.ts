import { listAlertSpans } from "#lib/domain/alerts/queries.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params, search }) => listAlertSpans(context, params, search));
