import { commandBackup } from "#lib/domain/recovery/backups/commands.ts";
import { route } from "#lib/web/route.ts";

export const POST = route(({ context, params, body, key }) =>
  commandBackup(context, { id: params.id ?? "", command: params.command ?? "", body, key }),
);
