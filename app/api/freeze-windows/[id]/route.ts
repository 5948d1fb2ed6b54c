import { cancelFreezeWindow } from "#lib/domain/rollouts/start/freeze.ts";
import { route } from "#lib/web/route.ts";

export const DELETE = route(({ context, params, body }) => cancelFreezeWindow(context, params.id ?? "", body));
