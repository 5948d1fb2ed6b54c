import { previewRetention } from "#lib/domain/recovery/backups/plans.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, search }) => previewRetention(context, search));
