import { rotateSigningSecret } from "#lib/domain/notifications/targets.ts";
import { route } from "#lib/web/route.ts";
import { getSealer } from "#lib/web/runtime.ts";

export const POST = route(({ context, params }) => rotateSigningSecret({ ...context, sealer: getSealer() }, params.id ?? ""));
