import { createFreezeWindow, listFreezeWindows } from "#lib/domain/rollouts/start/freeze.ts";
import { reply, route } from "#lib/web/route.ts";

export const GET = route(({ context, search }) => listFreezeWindows(context, search));
export const POST = route(async ({ context, body }) => reply(201, await createFreezeWindow(context, body)));
