import { expireSilence } from "#lib/domain/alerts/silences.ts";
import { route } from "#lib/web/route.ts";

export const POST = route(({ context, params, body }) => expireSilence(context, params.id ?? "", body));
