import { deleteDrillSchedule } from "#lib/domain/recovery/drills/schedules.ts";
import { route } from "#lib/web/route.ts";

export const DELETE = route(({ context, params, body }) => deleteDrillSchedule(context, params.id ?? "", body));
