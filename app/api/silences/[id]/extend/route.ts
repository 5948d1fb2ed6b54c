import { extendSilence } from "#lib/domain/alerts/silences.ts";
import { route } from "#lib/web/route.ts";

export const POST = route(({ context, params, body }) => extendSilence(context, params.id ?? "", body));
