import { startDrill } from "#lib/domain/recovery/drills/commands.ts";
import { listDrills } from "#lib/domain/recovery/drills/queries.ts";
import { reply, route } from "#lib/web/route.ts";
import { drillMeans } from "#lib/web/runtime.ts";

export const GET = route(({ context, search }) => listDrills(context, search));
export const POST = route(async ({ context, body, key }) =>
  reply(201, await startDrill({ ...context, ...drillMeans() }, body, key)),
);
