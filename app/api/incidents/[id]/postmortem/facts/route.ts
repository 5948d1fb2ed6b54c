import { getPostmortemFacts } from "#lib/domain/incidents/postmortem/facts.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params }) => getPostmortemFacts(context, params.id ?? ""));
