import { listVersions } from "#lib/domain/incidents/postmortem/history.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params }) => listVersions(context, params.id ?? ""));
