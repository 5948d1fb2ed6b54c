import { listLatestChanges } from "#lib/domain/ledger/queries.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context }) => listLatestChanges(context));
