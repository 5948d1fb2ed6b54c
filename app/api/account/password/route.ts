import { changePassword } from "#lib/domain/users/commands.ts";
import { route } from "#lib/web/route.ts";

export const POST = route(({ context, body }) => changePassword(context, body));
