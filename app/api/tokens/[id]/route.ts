import { revokeToken } from "#lib/domain/users/tokens.ts";
import { route } from "#lib/web/route.ts";

export const DELETE = route(({ context, params }) => revokeToken(context, params.id ?? ""));
