import { performAction } from "#lib/domain/actions/commands.ts";
import { previewAction } from "#lib/domain/actions/preview.ts";
import { reply, route } from "#lib/web/route.ts";

export const POST = route(async ({ context, params, search, body, request }) => {
  const action = { verb: params.verb ?? "", ref: params, body };
  if (search.dryRun === "true") return previewAction(context, action);
  return reply(202, await performAction(context, { ...action, key: request.headers.get("idempotency-key") ?? undefined }));
});
