import { cancelRestore } from "#lib/domain/recovery/restores/commands.ts";
import { route } from "#lib/web/route.ts";

export const POST = route(({ context, params, body, key }) => cancelRestore(context, { id: params.id ?? "", body, key }));
