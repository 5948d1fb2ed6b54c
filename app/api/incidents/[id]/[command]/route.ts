import { commandIncident } from "#lib/domain/incidents/commands.ts";
import { route } from "#lib/web/route.ts";

export const POST = route(({ context, params, body, key }) =>
  commandIncident(context, { id: params.id ?? "", command: params.command ?? "", body, key }),
);
