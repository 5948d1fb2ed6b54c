import { commandPostmortem } from "#lib/domain/incidents/postmortem/commands.ts";
import { route } from "#lib/web/route.ts";
import { metricsSettings } from "#lib/web/runtime.ts";

export const POST = route(({ context, params, body, request }) => {
  const key = request.headers.get("idempotency-key") ?? undefined;
  return commandPostmortem(
    { ...context, ...metricsSettings() },
    { id: params.id ?? "", command: params.command ?? "", body, key },
  );
});
