import { startStrategy } from "#lib/domain/rollouts/start/start.ts";
import { reply, route } from "#lib/web/route.ts";
import { getSealer } from "#lib/web/runtime.ts";

export const POST = route(async ({ context, params, body, request }) => {
  const key = request.headers.get("idempotency-key") ?? undefined;
  return reply(202, await startStrategy({ ...context, sealer: getSealer() }, { ref: params, body, key }));
});
