import { restoreLimits } from "#lib/domain/autoscaling/restore.ts";
import { route } from "#lib/web/route.ts";

export const POST = route(({ context, params, body, request }) =>
  restoreLimits(context, { ref: params, body, key: request.headers.get("idempotency-key") ?? undefined }),
);
