import { getDelivery } from "#lib/domain/notifications/queries.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params }) => getDelivery(context, params.id ?? ""));
