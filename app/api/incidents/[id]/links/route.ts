import { putLink } from "#lib/domain/incidents/links.ts";
import { route } from "#lib/web/route.ts";

export const PUT = route(({ context, params, body, key }) => putLink(context, params.id ?? "", body, key));
