import { getPlan, listPlans, savePlan } from "#lib/domain/recovery/backups/plans.ts";
import { route } from "#lib/web/route.ts";

/** With ?subject= that one's plan, else all that somebody has set. */
export const GET = route(({ context, search }) =>
  search.subject === undefined ? listPlans(context) : getPlan(context, search.subject),
);

export const PUT = route(({ context, search, body }) => savePlan(context, { subject: search.subject, body }));
