import { listLedger } from "#lib/domain/ledger/queries.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context, params, search }) => listLedger(context, params, search));
