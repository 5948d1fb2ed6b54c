import { previewSilence } from "#lib/domain/alerts/silences-preview.ts";
import { route } from "#lib/web/route.ts";

export const POST = route(({ context, body }) => previewSilence(context, body));
