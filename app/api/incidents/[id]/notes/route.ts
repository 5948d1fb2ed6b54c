import { addNote } from "#lib/domain/incidents/timeline/notes.ts";
import { route } from "#lib/web/route.ts";

export const POST = route(({ context, params, body, key }) => addNote(context, params.id ?? "", body, key));
