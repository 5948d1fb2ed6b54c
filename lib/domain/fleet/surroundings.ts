import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import type { PrometheusClient } from "#lib/prometheus/client.ts";
import { authorise, type ConsoleContext } from "../context.ts";
import { queryHosts } from "../metrics/hosts.ts";
import { type Known, SharedAnswer } from "../shared-answer.ts";
import { describeOutside } from "./outside.ts";
import type { HostFigures, HostsAnswer, OutsideAnswer, OutsideService } from "./schemas.ts";

const freshMs = 5_000;

/** What Prometheus knows around the fleet's pods, asked once for all viewers and only while one looks. */
export type Surroundings = { outside: SharedAnswer<OutsideService[]>; hosts: SharedAnswer<HostFigures[]> };

export type SurroundingsOptions = {
  prometheus: PrometheusClient | null;
  kubernetes: KubernetesClient;
  scrapeSeconds: number;
  now: () => Date;
};

/** Without Prometheus there is nothing outside the cluster, and no figures of hosts. */
export function makeSurroundings({ prometheus, kubernetes, scrapeSeconds, now }: SurroundingsOptions): Surroundings {
  const readOutside = async () => (prometheus ? describeOutside(await prometheus.listTargets()) : []);
  const readHosts = async () => (prometheus ? queryHosts({ prometheus, kubernetes }, scrapeSeconds) : []);
  return {
    outside: new SharedAnswer(readOutside, { freshMs, now }),
    hosts: new SharedAnswer(readHosts, { freshMs, now }),
  };
}

/** The services that run outside the cluster. */
export async function listOutside(context: ConsoleContext): Promise<OutsideAnswer> {
  authorise(context, "viewer", "see the fleet");
  const { value, ...rest } = tell(await context.surroundings.outside.get());
  return { services: value ?? [], ...rest };
}

/** The hosts of the cluster's nodes. */
export async function listHosts(context: ConsoleContext): Promise<HostsAnswer> {
  authorise(context, "viewer", "see the fleet");
  const { value, ...rest } = tell(await context.surroundings.hosts.get());
  return { hosts: value ?? [], ...rest };
}

/** The kind of a service of the cluster or outside of it; null when there is no such service. */
export async function findServiceKind({ fleet, surroundings }: ConsoleContext, id: string): Promise<string | null> {
  const known = fleet.findService(id);
  if (known) return known.service.kind;
  const outside = await surroundings.outside.get();
  return outside.value?.find((service) => service.id === id)?.kind ?? null;
}

function tell<T>({ value, at, problem }: Known<T>): { value: T | null; at: string | null; problem: string | null } {
  return { value, at: at?.toISOString() ?? null, problem };
}
