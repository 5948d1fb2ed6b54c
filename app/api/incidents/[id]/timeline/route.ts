import { listTimeline } from "#lib/domain/incidents/timeline/timeline.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params, search }) => listTimeline(context, params.id ?? "", search));
