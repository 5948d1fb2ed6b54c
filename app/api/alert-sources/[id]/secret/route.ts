import { rotateAlertSource } from "#lib/domain/alerts/sources.ts";
import { reply, route } from "#lib/web/route.ts";

/** Makes a new secret for the source's webhook; the old one ends at once. */
export const POST = route(async ({ context, params }) => reply(201, await rotateAlertSource(context, params.id ?? "")));
