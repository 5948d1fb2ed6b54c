import { getVersion } from "#lib/domain/incidents/postmortem/history.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params }) => getVersion(context, { id: params.id ?? "", version: params.version ?? "" }));
