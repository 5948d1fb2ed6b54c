import { clearRecoveryObjective, setRecoveryObjective } from "#lib/domain/recovery/objectives/commands.ts";
import { route } from "#lib/web/route.ts";

export const PUT = route(({ context, search, body }) => setRecoveryObjective(context, search.subject, body));
export const DELETE = route(({ context, search, body }) => clearRecoveryObjective(context, search.subject, body));
