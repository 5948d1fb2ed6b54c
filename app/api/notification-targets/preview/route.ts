import { previewFilter } from "#lib/domain/notifications/preview.ts";
import { route } from "#lib/web/route.ts";

export const POST = route(({ context, body }) => previewFilter(context, body));
