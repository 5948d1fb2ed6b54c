import { listCoverage } from "#lib/domain/recovery/backups/coverage.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context }) => listCoverage(context));
