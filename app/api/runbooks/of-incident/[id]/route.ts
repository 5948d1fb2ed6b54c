import { listIncidentRunbooks } from "#lib/domain/runbooks/of-incident.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params }) => listIncidentRunbooks(context, params.id ?? ""));
