import { commandItem } from "#lib/domain/incidents/action-items/commands.ts";
import { route } from "#lib/web/route.ts";

export const POST = route(({ context, params, body, request }) => {
  const key = request.headers.get("idempotency-key") ?? undefined;
  return commandItem(context, { id: params.id ?? "", command: params.command ?? "", body, key });
});
