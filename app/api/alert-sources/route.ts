import { createAlertSource, listAlertSources } from "#lib/domain/alerts/sources.ts";
import { reply, route } from "#lib/web/route.ts";

export const GET = route(async ({ context }) => ({ sources: await listAlertSources(context) }));
export const POST = route(async ({ context, body }) => reply(201, await createAlertSource(context, body)));
