import { removePerson } from "#lib/domain/incidents/people.ts";
import { route } from "#lib/web/route.ts";

export const DELETE = route(({ context, params, key }) => removePerson(context, params.id ?? "", params.name ?? "", key));
