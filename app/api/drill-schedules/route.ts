import { listDrillSchedules } from "#lib/domain/recovery/drills/queries.ts";
import { setDrillSchedule } from "#lib/domain/recovery/drills/schedules.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context }) => listDrillSchedules(context));
export const PUT = route(({ context, body }) => setDrillSchedule(context, body));
