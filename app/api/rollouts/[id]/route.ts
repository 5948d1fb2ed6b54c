import { getRolloutDetail } from "#lib/domain/rollouts/detail.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params, search, request }) =>
  getRolloutDetail(context, params.id ?? "", search, request.signal),
);
