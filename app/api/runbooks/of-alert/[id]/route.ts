import { findAlertRunbook } from "#lib/domain/runbooks/of-incident.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params }) => findAlertRunbook(context, params.id ?? ""));
