import { putPerson } from "#lib/domain/incidents/people.ts";
import { route } from "#lib/web/route.ts";

export const PUT = route(({ context, params, body, key }) => putPerson(context, params.id ?? "", body, key));
