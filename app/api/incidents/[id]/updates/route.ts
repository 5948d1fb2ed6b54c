import { postUpdate } from "#lib/domain/incidents/timeline/notes.ts";
import { route } from "#lib/web/route.ts";

export const POST = route(({ context, params, body, key }) => postUpdate(context, params.id ?? "", body, key));
