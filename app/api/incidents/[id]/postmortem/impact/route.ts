import { measurePostmortem } from "#lib/domain/incidents/postmortem/commands.ts";
import { route } from "#lib/web/route.ts";

export const POST = route(({ context, params }) => measurePostmortem(context, params.id ?? ""));
