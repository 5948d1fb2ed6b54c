import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { type Pod, paths } from "#lib/kubernetes/objects.ts";
import { type ObservationsPage, observationsSchema } from "#lib/protocol/observations.ts";
import type { Outcome, Path } from "./measure.ts";
import { isServing, type Standing } from "./standing.ts";

/** A prober that watches a service from outside, and what it calls it. */
export type FoundWitness = { service: Standing; pod: Pod; target: "relay" | "hub" };

/**
 * The prober of a service: one of kind prober that depends on it; connectors and edges are watched through the hub that they depend on.
 * Null when nobody watches.
 */
export function findWitness(services: readonly Standing[], subject: Standing): FoundWitness | null {
  const watched = subject.kind === "relay" || subject.kind === "hub" ? [subject.id] : subject.dependsOn;
  for (const service of services) {
    if (service.kind !== "prober" || !service.dependsOn.some((id) => watched.includes(id))) continue;
    const pod = service.pods.find(isServing);
    if (pod) return { service, pod, target: subject.kind === "relay" ? "relay" : "hub" };
  }
  return null;
}

/** Outcomes of the prober in this process's time. */
export type Observed = {
  epoch: string;
  outcomes: Outcome[];
  paths: Path[];
  ledger: ObservationsPage["ledger"];
  /** What this clock and the prober's may differ, in milliseconds. */
  clockErrorMs: number;
  /** Outcomes that the prober had forgotten before they were read. */
  forgotten: number;
  readAt: number;
};

/** Keeps what a prober saw since it was first asked, and asks only for what is new. A cache: it can be read again at any time. */
export class WitnessReader {
  readonly #kubernetes: KubernetesClient;
  readonly #now: () => number;
  #known: { key: string; next: number; offsetMs: number; observed: Observed } | null = null;

  constructor(kubernetes: KubernetesClient, now: () => number) {
    this.#kubernetes = kubernetes;
    this.#now = now;
  }

  /** Throws KubernetesError while the prober cannot be asked. */
  async read({ pod, target }: Pick<FoundWitness, "pod" | "target">): Promise<Observed> {
    const { namespace = "", name, uid, annotations } = pod.metadata;
    const port = Number(annotations?.["prometheus.io/port"] ?? 8080);
    const key = `${uid}/${target}`;
    if (this.#known?.key !== key) this.#known = null;
    for (;;) {
      const sentAt = this.#now();
      const text = await this.#kubernetes.proxy(paths.podProxy(namespace, name, port, "/observations"), {
        method: "GET",
        query: { target, since: this.#known?.next ?? 0 },
      });
      const page = observationsSchema.parse(JSON.parse(text));
      if (this.#known && this.#known.observed.epoch !== page.epoch) this.#known = null;
      this.#add(key, page, { sentAt, receivedAt: this.#now() });
      if (page.isAll && this.#known) return this.#known.observed;
    }
  }

  #add(key: string, page: ObservationsPage, { sentAt, receivedAt }: { sentAt: number; receivedAt: number }): void {
    const isFirst = this.#known === null;
    const offset = this.#known?.offsetMs ?? (sentAt + receivedAt) / 2 - page.at;
    const toOwn = (at: number) => at + offset;
    const before = this.#known?.observed;
    const observed: Observed = {
      epoch: page.epoch,
      outcomes: [
        ...(before?.outcomes ?? []),
        ...page.outcomes.map(([path, endedAt, tookMs, isOk]) => ({ path, endedAt: toOwn(endedAt), tookMs, isOk: isOk === 1 })),
      ],
      paths: page.paths.map((path) => ({ ...path, isWrite: page.target === "relay" || path.name === "message" })),
      ledger: {
        ...page.ledger,
        lastAcknowledgedAt: page.ledger.lastAcknowledgedAt === null ? null : toOwn(page.ledger.lastAcknowledgedAt),
        oldestUnsettledAt: page.ledger.oldestUnsettledAt === null ? null : toOwn(page.ledger.oldestUnsettledAt),
        losses: page.ledger.losses.map(([acknowledgedAt, foundAt]) => [toOwn(acknowledgedAt), toOwn(foundAt)]),
      },
      clockErrorMs: before?.clockErrorMs ?? Math.ceil((receivedAt - sentAt) / 2),
      // Nobody needs what was forgotten before the first question.
      forgotten: (before?.forgotten ?? 0) + (isFirst ? 0 : page.forgotten),
      readAt: receivedAt,
    };
    this.#known = { key, next: page.next, offsetMs: offset, observed };
  }
}
