import { reportIncident } from "#lib/domain/incidents/opening/report.ts";
import { listIncidents } from "#lib/domain/incidents/queries.ts";
import { reply, route } from "#lib/web/route.ts";

export const GET = route(({ context, search }) => listIncidents(context, search));
export const POST = route(async ({ context, body, key }) => reply(201, await reportIncident(context, body, key)));
