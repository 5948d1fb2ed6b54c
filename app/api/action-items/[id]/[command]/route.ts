import { commandItem } from "#lib/domain/incidents/action-items/commands.ts";
import { route } from "#lib/web/route.ts";

export const POST = route(({ context, params, body }) =>
  commandItem(context, { id: params.id ?? "", command: params.command ?? "", body }),
);
