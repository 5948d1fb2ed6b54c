import { removeLink } from "#lib/domain/incidents/links.ts";
import { route } from "#lib/web/route.ts";

export const DELETE = route(({ context, params }) => removeLink(context, params.id ?? "", params));
