import type { Guarded } from "#lib/runtime/health-server.ts";
import type { HubClient } from "./hub-client.ts";

/**
 * The admin route of a daemon's circuit breaker to its hub, beside /health: GET /admin/breaker tells how it stands, POST
 * /admin/breaker?state=open holds it open, ?state=closed lets it go. Undefined without a token: then there is no such route.
 */
export function guardBreaker(
  token: string | undefined,
  client: Pick<HubClient, "breaker" | "hold" | "release">,
): Guarded | undefined {
  if (token === undefined) return undefined;
  return {
    token,
    handlers: {
      "/admin/breaker": ({ method, query }) => {
        const state = query.get("state");
        if (method === "POST" && state !== "open" && state !== "closed")
          return { status: 400, body: "wants ?state=open or ?state=closed" };
        if (method === "POST" && state === "open") client.hold();
        if (method === "POST" && state === "closed") client.release();
        return { status: 200, body: { state: client.breaker.state, held: client.breaker.isHeld } };
      },
    },
  };
}
