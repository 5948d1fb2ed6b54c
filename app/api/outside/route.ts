import { listOutside } from "#lib/domain/fleet/surroundings.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context }) => listOutside(context));
