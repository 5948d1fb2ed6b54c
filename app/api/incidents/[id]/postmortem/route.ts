import { changePostmortem, startPostmortem } from "#lib/domain/incidents/postmortem/commands.ts";
import { savePostmortem } from "#lib/domain/incidents/postmortem/save.ts";
import { getPostmortemNews } from "#lib/domain/incidents/postmortem/stored.ts";
import { reply, route } from "#lib/web/route.ts";
import { metricsSettings } from "#lib/web/runtime.ts";

export const GET = route(({ context, params, search }) => getPostmortemNews(context, params.id ?? "", search));
export const POST = route(async ({ context, params, body, request }) => {
  const key = request.headers.get("idempotency-key") ?? undefined;
  return reply(201, await startPostmortem({ ...context, ...metricsSettings() }, { id: params.id ?? "", body, key }));
});
export const PUT = route(({ context, params, body }) => savePostmortem(context, params.id ?? "", body));
export const PATCH = route(({ context, params, body }) => changePostmortem(context, params.id ?? "", body));
