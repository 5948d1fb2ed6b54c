import { getRecoverability } from "#lib/domain/recovery/objectives/recoverability.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, search }) => getRecoverability(context, search.subject));
