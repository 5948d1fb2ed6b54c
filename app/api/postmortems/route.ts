import { listPostmortems } from "#lib/domain/incidents/postmortem/list.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, search }) => listPostmortems(context, search));
