import { DomainError } from "#lib/domain/errors.ts";
import { followFleet } from "#lib/domain/fleet/queries.ts";
import { streamLive } from "#lib/web/live-stream.ts";
import { route } from "#lib/web/route.ts";
import { getActor } from "#lib/web/session.ts";

export const dynamic = "force-dynamic";

export const GET = route(({ context, search, request }) => {
  const mayGoOn = () => getActor(request).then(() => true, isStillKnown);
  return streamLive(followFleet(context, search.service), request.signal, mayGoOn);
});

/** Only a session or token that is no more ends a stream; a database that does not answer says nothing about it. */
function isStillKnown(error: unknown): boolean {
  return !(error instanceof DomainError && error.code === "not-authenticated");
}
