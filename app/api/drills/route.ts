import { listDrills } from "#lib/domain/recovery/drills/queries.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, search }) => listDrills(context, search));
