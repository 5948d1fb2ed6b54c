import { createItem } from "#lib/domain/incidents/action-items/commands.ts";
import { listItems } from "#lib/domain/incidents/action-items/queries.ts";
import { reply, route } from "#lib/web/route.ts";

export const GET = route(({ context, search }) => listItems(context, search));
export const POST = route(async ({ context, body, request }) =>
  reply(201, await createItem(context, body, request.headers.get("idempotency-key") ?? undefined)),
);
