import type { ConsoleContext } from "../context.ts";
import { DomainError } from "../errors.ts";
import { type ServiceRef, serviceRefSchema } from "../fleet/schemas.ts";
import { findServiceKind } from "../fleet/surroundings.ts";
import { parseInput } from "../validation.ts";

/** A service that has charts: one of the cluster, or one outside of it that Prometheus scrapes. */
export type ChartedService = ServiceRef & { id: string; kind: string };

/** The service that is meant; throws not-found. */
export async function requireService(context: ConsoleContext, ref: unknown): Promise<ChartedService> {
  const { namespace, name } = parseInput(serviceRefSchema, ref);
  const id = `${namespace}/${name}`;
  const kind = await findServiceKind(context, id);
  if (kind === null) throw new DomainError("not-found", `There is no service ${id}.`);
  return { id, namespace, name, kind };
}
