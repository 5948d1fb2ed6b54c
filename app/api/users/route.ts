import { createUser, listUsers } from "#lib/domain/users/commands.ts";
import { reply, route } from "#lib/web/route.ts";

export const GET = route(async ({ context }) => ({ users: await listUsers(context) }));
export const POST = route(async ({ context, body }) => reply(201, await createUser(context, body)));
