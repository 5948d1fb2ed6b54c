import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import type { PrometheusClient, ScrapeTarget } from "#lib/prometheus/client.ts";
import { authorise, type ConsoleContext } from "../context.ts";
import { DomainError } from "../errors.ts";
import { queryHosts } from "../metrics/hosts.ts";
import { type Known, SharedAnswer } from "../shared-answer.ts";
import { describeOutside } from "./outside.ts";
import type { HostFigures, HostsAnswer, OutsideAnswer, OutsideService } from "./schemas.ts";

const freshMs = 5_000;
const mostJobs = 20;

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
  const readOutside = async () => (prometheus ? describeOutside(await listOutsideTargets(prometheus)) : []);
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

/**
 * The kind of a service of the cluster or outside of it; null when there is no such service. Rejects with prometheus-unavailable when
 * only Prometheus could tell, and has not.
 */
export async function findServiceKind({ fleet, surroundings }: ConsoleContext, id: string): Promise<string | null> {
  const known = fleet.findKind(id);
  if (known !== null) return known;
  const { value, problem } = await surroundings.outside.get();
  const found = value?.find((service) => service.id === id);
  if (!found && value === null && problem) throw new DomainError("prometheus-unavailable", problem);
  return found?.kind ?? null;
}

function tell<T>({ value, at, problem }: Known<T>): { value: T | null; at: string | null; problem: string | null } {
  return { value, at: at?.toISOString() ?? null, problem };
}

/** A fleet has thousands of targets and few outside it: only the jobs that have some are read. */
async function listOutsideTargets(prometheus: PrometheusClient): Promise<ScrapeTarget[]> {
  const samples = await prometheus.query('count by (job) (up{service!="",pod=""})');
  const jobs = samples.map(({ labels }) => labels.job ?? "").slice(0, mostJobs);
  if (jobs.length === 0) return [];
  const targets = (await Promise.all(jobs.map((job) => prometheus.listScrapeTargets(job)))).flat();
  // A target may be relabelled to another job than the one that it is scraped by.
  return targets.length > 0 ? targets : prometheus.listScrapeTargets();
}
