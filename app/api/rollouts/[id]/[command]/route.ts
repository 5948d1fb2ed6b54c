import { commandRollout } from "#lib/domain/rollouts/run-commands.ts";
import { reply, route } from "#lib/web/route.ts";

export const POST = route(async ({ context, params, body, request }) => {
  const key = request.headers.get("idempotency-key") ?? undefined;
  return reply(202, await commandRollout(context, { id: params.id, command: params.command ?? "", body, key }));
});
