import { getAudit } from "#lib/domain/audit.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params }) => getAudit(context, params.id ?? ""));
