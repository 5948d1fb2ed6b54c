import { listObjectives } from "#lib/domain/objectives/queries.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context }) => listObjectives(context));
