import { getSessionView } from "#lib/domain/users/commands.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context }) => getSessionView(context));
