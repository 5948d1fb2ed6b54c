import { getRunbookVersion } from "#lib/domain/runbooks/queries.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params }) => getRunbookVersion(context, params));
