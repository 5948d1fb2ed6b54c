import { postUpdate } from "#lib/domain/incidents/timeline/notes.ts";
import { route } from "#lib/web/route.ts";

export const POST = route(({ context, params, body, request }) =>
  postUpdate(context, params.id ?? "", body, request.headers.get("idempotency-key") ?? undefined),
);
