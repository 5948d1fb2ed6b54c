import { listDeliveries } from "#lib/domain/notifications/queries.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, search }) => listDeliveries(context, search));
