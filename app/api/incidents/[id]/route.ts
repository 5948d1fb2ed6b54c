import { changeIncident } from "#lib/domain/incidents/change.ts";
import { getIncidentDetail } from "#lib/domain/incidents/detail.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params, search, request }) =>
  getIncidentDetail(context, params.id ?? "", search, request.signal),
);
export const PATCH = route(({ context, params, body, key }) => changeIncident(context, params.id ?? "", body, key));
