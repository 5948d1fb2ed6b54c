import { removeLink } from "#lib/domain/incidents/links.ts";
import { route } from "#lib/web/route.ts";

export const DELETE = route(({ context, params, body, key }) =>
  removeLink(context, params.id ?? "", { kind: params.kind, targetId: params.targetId }, { body, key }),
);
