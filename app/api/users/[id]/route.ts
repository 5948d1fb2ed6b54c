import { updateUser } from "#lib/domain/users/commands.ts";
import { route } from "#lib/web/route.ts";

export const PATCH = route(({ context, params, body }) => updateUser(context, params.id ?? "", body));
