import { listAudit } from "#lib/domain/audit.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, search }) => listAudit(context, search));
