import { changeLimits, previewLimits } from "#lib/domain/autoscaling/commands.ts";
import { getAutoscaling } from "#lib/domain/autoscaling/queries.ts";
import { reply, route } from "#lib/web/route.ts";

export const GET = route(({ context, params }) => getAutoscaling(context, params));

export const POST = route(async ({ context, params, search, body, request }) => {
  if (search.dryRun === "true") return previewLimits(context, params, body);
  const key = request.headers.get("idempotency-key") ?? undefined;
  return reply(201, await changeLimits(context, { ref: params, body, key }));
});
