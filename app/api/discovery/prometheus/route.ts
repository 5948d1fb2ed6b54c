import { listTargets } from "#lib/domain/fleet/discovery.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context }) => listTargets(context));
