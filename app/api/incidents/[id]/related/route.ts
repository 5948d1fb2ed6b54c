import { listRelatedIncidents } from "#lib/domain/incidents/related.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params }) => listRelatedIncidents(context, params.id ?? ""));
