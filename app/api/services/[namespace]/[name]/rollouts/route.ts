import { startStrategy } from "#lib/domain/rollouts/start.ts";
import { reply, route } from "#lib/web/route.ts";

export const POST = route(async ({ context, params, body, request }) =>
  reply(202, await startStrategy(context, { ref: params, body, key: request.headers.get("idempotency-key") ?? undefined })),
);
