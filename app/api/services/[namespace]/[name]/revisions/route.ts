import { listRevisions } from "#lib/domain/fleet/queries.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params }) => listRevisions(context, params));
