import { authorise, type ConsoleContext } from "../context.ts";
import { DomainError } from "../errors.ts";
import { parseInput } from "../validation.ts";
import { type Revision, type ServiceAnswer, type ServicesAnswer, serviceRefSchema } from "./schemas.ts";
import type { Subscription } from "./subscription.ts";

/** Every managed service of every kind, with its figures. */
export function listServices(context: ConsoleContext): ServicesAnswer {
  authorise(context, "viewer", "see the fleet");
  const { fleet } = context;
  return { services: fleet.listServices(), figures: fleet.figures(), feeds: fleet.feeds() };
}

/** One service with its instances and events; throws not-found. */
export function getService(context: ConsoleContext, ref: unknown): ServiceAnswer {
  authorise(context, "viewer", "see the fleet");
  const id = readServiceId(ref);
  const known = context.fleet.findService(id) ?? notThere(context, id);
  const { instances, events, figures } = known.live;
  return { service: known.service, instances, events, figures, serviceFigures: context.fleet.figures()[id] ?? null };
}

/** The revisions of a service, newest first; throws not-found. */
export function listRevisions(context: ConsoleContext, ref: unknown): { revisions: Revision[] } {
  authorise(context, "viewer", "see the fleet");
  const id = readServiceId(ref);
  return { revisions: context.fleet.listRevisions(id) ?? notThere(context, id) };
}

function readServiceId(ref: unknown): string {
  const { namespace, name } = parseInput(serviceRefSchema, ref);
  return `${namespace}/${name}`;
}

/** Before the first list of the cluster nothing is known to be missing. */
function notThere({ fleet }: ConsoleContext, id: string): never {
  if (fleet.isSynced) throw new DomainError("not-found", `There is no service ${id}.`);
  const feed = fleet.findFeed("kubernetes");
  throw new DomainError(
    "kubernetes-unavailable",
    `The cluster has not been read yet: ${feed?.lastError ?? "it has just started"}`,
  );
}

/** Follows the fleet, and one service in detail where an id (namespace/name) is given. */
export function followFleet(context: ConsoleContext, service: string | undefined): Subscription {
  authorise(context, "viewer", "see the fleet");
  const [namespace, name] = service?.split("/") ?? [];
  return context.fleet.subscribe(service ? readServiceId({ namespace, name }) : null);
}
