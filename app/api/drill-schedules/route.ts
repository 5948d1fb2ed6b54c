import { listDrillSchedules } from "#lib/domain/recovery/drills/queries.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context }) => listDrillSchedules(context));
