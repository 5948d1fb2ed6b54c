import { getTarget } from "#lib/domain/notifications/queries.ts";
import { removeTarget, updateTarget } from "#lib/domain/notifications/targets.ts";
import { route } from "#lib/web/route.ts";
import { getSealer } from "#lib/web/runtime.ts";

export const GET = route(({ context, params }) => getTarget(context, params.id ?? ""));
export const PATCH = route(({ context, params, body }) =>
  updateTarget({ ...context, sealer: getSealer() }, params.id ?? "", body),
);
export const DELETE = route(({ context, params }) => removeTarget(context, params.id ?? ""));
