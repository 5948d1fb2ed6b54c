import { savePanel } from "#lib/domain/metrics/panel-commands.ts";
import { getPanelsJson } from "#lib/domain/metrics/queries.ts";
import { reply, route } from "#lib/web/route.ts";
import { metricsSettings } from "#lib/web/runtime.ts";

const headers = { "content-type": "application/json", "cache-control": "no-store" };

export const GET = route(
  async ({ context, params, search }) =>
    new Response(await getPanelsJson(context, metricsSettings(), params, search), { headers }),
);

export const POST = route(async ({ context, params, body }) =>
  reply(201, await savePanel(context, metricsSettings(), params, body)),
);
