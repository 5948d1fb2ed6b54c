import { removeAlertSource, updateAlertSource } from "#lib/domain/alerts/sources.ts";
import { route } from "#lib/web/route.ts";

export const PATCH = route(({ context, params, body }) => updateAlertSource(context, params.id ?? "", body));
export const DELETE = route(({ context, params }) => removeAlertSource(context, params.id ?? ""));
