import { putPerson } from "#lib/domain/incidents/people.ts";
import { route } from "#lib/web/route.ts";

export const PUT = route(({ context, params, body }) => putPerson(context, params.id ?? "", body));
