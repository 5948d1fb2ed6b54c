import { listTargets } from "#lib/domain/notifications/queries.ts";
import { createTarget } from "#lib/domain/notifications/targets.ts";
import { reply, route } from "#lib/web/route.ts";
import { getSealer } from "#lib/web/runtime.ts";

export const GET = route(async ({ context }) => ({ targets: await listTargets(context) }));
export const POST = route(async ({ context, body }) => reply(201, await createTarget({ ...context, sealer: getSealer() }, body)));
