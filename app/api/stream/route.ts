import { followFleet } from "#lib/domain/fleet/queries.ts";
import { streamLive } from "#lib/web/live-stream.ts";
import { route } from "#lib/web/route.ts";
import { getActor } from "#lib/web/session.ts";

export const dynamic = "force-dynamic";

export const GET = route(({ context, search, request }) => {
  const mayGoOn = () => getActor(request).then(Boolean, () => false);
  return streamLive(followFleet(context, search.service), request.signal, mayGoOn);
});
