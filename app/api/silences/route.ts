import { createSilence, listSilences } from "#lib/domain/alerts/silences.ts";
import { reply, route } from "#lib/web/route.ts";

export const GET = route(({ context, search }) => listSilences(context, search));
export const POST = route(async ({ context, body }) => reply(201, await createSilence(context, body)));
