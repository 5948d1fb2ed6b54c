import { reportIncident } from "#lib/domain/incidents/opening/report.ts";
import { listIncidents } from "#lib/domain/incidents/queries.ts";
import { reply, route } from "#lib/web/route.ts";

export const GET = route(({ context, search }) => listIncidents(context, search));
export const POST = route(async ({ context, body, request }) => {
  const key = request.headers.get("idempotency-key") ?? undefined;
  return reply(201, await reportIncident(context, body, key));
});
