import { createToken, listTokens } from "#lib/domain/users/tokens.ts";
import { reply, route } from "#lib/web/route.ts";

export const GET = route(async ({ context }) => ({ tokens: await listTokens(context) }));
export const POST = route(async ({ context, body }) => reply(201, await createToken(context, body)));
