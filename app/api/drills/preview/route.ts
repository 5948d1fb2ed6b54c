import { previewDrill } from "#lib/domain/recovery/drills/commands.ts";
import { route } from "#lib/web/route.ts";
import { drillMeans } from "#lib/web/runtime.ts";

export const POST = route(({ context, body }) => previewDrill({ ...context, ...drillMeans() }, body));
