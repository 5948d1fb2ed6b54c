import { getServiceReliability } from "#lib/domain/incidents/trends/queries.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params, search }) => getServiceReliability(context, params, search));
