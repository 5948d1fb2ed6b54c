import { testTarget } from "#lib/domain/notifications/messages.ts";
import { reply, route } from "#lib/web/route.ts";

export const POST = route(async ({ context, params }) => reply(202, await testTarget(context, params.id ?? "")));
