import { addNote } from "#lib/domain/incidents/timeline/notes.ts";
import { route } from "#lib/web/route.ts";

export const POST = route(({ context, params, body, request }) =>
  addNote(context, params.id ?? "", body, request.headers.get("idempotency-key") ?? undefined),
);
