import { changeTimelineRow } from "#lib/domain/incidents/timeline/edit.ts";
import { route } from "#lib/web/route.ts";

export const PATCH = route(({ context, params, body, key }) =>
  changeTimelineRow(context, params.id ?? "", params.eventId ?? "", body, key),
);
