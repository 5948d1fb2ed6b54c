import type { EventObject, Pod, TemplateRevision, Workload } from "#lib/kubernetes/objects.ts";
import type { Changes } from "#lib/kubernetes/reflector.ts";
import { describeEvent, describeRevisions, describeService } from "./describe.ts";
import { FeedBoard } from "./feeds.ts";
import { FleetIndex } from "./fleet-index.ts";
import type {
  Feed,
  FeedName,
  Instance,
  InstanceFigures,
  LiveMessage,
  LiveService,
  Revision,
  Service,
  ServiceFigures,
} from "./schemas.ts";
import { Subscription } from "./subscription.ts";

type Described = { service: Service; instances: Instance[]; text: string };

export type FleetStoreOptions = {
  now: () => Date;
  /** Changes within this time go out together. */
  tickMs?: number;
  /** How often services whose health depends on the time are judged again. */
  rejudgeMs?: number;
};

/**
 * The fleet as this process knows it, shared by all viewers: fed by the watches and the figure queries, read by pages, followed
 * by streams. A change of one pod describes one service anew, and goes out once for all viewers at the next tick.
 */
export class FleetStore {
  readonly index = new FleetIndex();
  readonly #options: FleetStoreOptions;
  readonly #feeds: FeedBoard;
  readonly #described = new Map<string, Described>();
  readonly #figures = new Map<string, ServiceFigures>();
  readonly #instanceFigures = new Map<string, Record<string, InstanceFigures>>();
  readonly #subscriptions = new Set<Subscription>();
  readonly #dirty = new Set<string>();
  readonly #pending = new PendingChanges();
  readonly #rejudge: NodeJS.Timeout;
  #synced = false;
  #tick: NodeJS.Timeout | undefined;
  #onFiguresWanted: () => void = () => {};

  constructor(options: FleetStoreOptions) {
    this.#options = options;
    this.#feeds = new FeedBoard(options.now);
    this.#rejudge = setInterval(() => this.#rejudgeMoving(), options.rejudgeMs ?? 10_000);
    this.#rejudge.unref();
  }

  applyWorkloads(changes: Changes<Workload>): void {
    this.#touch(this.index.applyWorkloads(changes));
  }

  applyRevisions(changes: Changes<TemplateRevision>): void {
    this.#touch(this.index.applyRevisions(changes));
  }

  applyPods(changes: Changes<Pod>): void {
    this.#touch(this.index.applyPods(changes));
  }

  applyEvents(changes: Changes<EventObject>): void {
    for (const id of this.index.applyEvents(changes)) this.#pending.events.add(id);
    this.#schedule();
  }

  /** Records the state of an outside system; while Kubernetes is stale every service's health is unknown. */
  setFeed(feed: Omit<Feed, "since"> & { since?: Date }): void {
    if (!this.#feeds.set(feed)) return;
    if (feed.name === "kubernetes" && feed.state === "connected") this.#synced = true;
    this.#pending.feeds = true;
    if (feed.name === "kubernetes") this.#touch(new Set(this.index.serviceIds()));
    this.#schedule();
  }

  setFigures(figures: Record<string, ServiceFigures>): void {
    for (const [id, value] of Object.entries(figures)) {
      if (JSON.stringify(this.#figures.get(id)) === JSON.stringify(value)) continue;
      this.#figures.set(id, value);
      this.#pending.figures.add(id);
    }
    this.#schedule();
  }

  setInstanceFigures(serviceId: string, figures: Record<string, InstanceFigures>): void {
    this.#instanceFigures.set(serviceId, figures);
    this.#pending.instanceFigures.add(serviceId);
    this.#schedule();
  }

  listServices(): Service[] {
    this.#refresh();
    return [...this.#described.values()].map(({ service }) => service);
  }

  findService(id: string): { service: Service; live: LiveService } | null {
    this.#refresh();
    const described = this.#described.get(id);
    return described ? { service: described.service, live: this.#liveService(id, described.instances) } : null;
  }

  listRevisions(id: string): Revision[] | null {
    const family = this.index.findFamily(id);
    return family ? describeRevisions(family) : null;
  }

  figures(): Record<string, ServiceFigures> {
    return Object.fromEntries(this.#figures);
  }

  feeds(): Feed[] {
    return this.#feeds.list();
  }

  findFeed(name: FeedName): Feed | undefined {
    return this.#feeds.find(name);
  }

  /** Whether the whole cluster has been read at least once. */
  get isSynced(): boolean {
    return this.#synced;
  }

  /** Follows the fleet, and one service in detail where an id is given. The first message is a snapshot. */
  subscribe(serviceId: string | null): Subscription {
    const subscription: Subscription = new Subscription(
      serviceId,
      () => this.#snapshot(serviceId),
      () => this.#subscriptions.delete(subscription),
    );
    this.#subscriptions.add(subscription);
    const isUnmeasured = serviceId !== null && !this.#instanceFigures.has(serviceId);
    if (this.#subscriptions.size === 1 || isUnmeasured) this.#onFiguresWanted();
    return subscription;
  }

  /** Calls the listener when someone begins to look at what has no present figures. */
  whenFiguresWanted(listener: () => void): void {
    this.#onFiguresWanted = listener;
  }

  get viewers(): number {
    return this.#subscriptions.size;
  }

  /** Ids of the services whose pages are open. */
  watchedServices(): Set<string> {
    return new Set([...this.#subscriptions].map(({ serviceId }) => serviceId).filter((id) => id !== null));
  }

  close(): void {
    clearInterval(this.#rejudge);
    clearTimeout(this.#tick);
    for (const subscription of [...this.#subscriptions]) subscription.close();
  }

  #snapshot(serviceId: string | null): LiveMessage {
    const service = serviceId === null ? null : (this.findService(serviceId)?.live ?? null);
    return {
      type: "snapshot",
      at: this.#options.now().toISOString(),
      services: this.listServices(),
      feeds: this.feeds(),
      figures: this.figures(),
      service,
    };
  }

  #liveService(id: string, instances: Instance[]): LiveService {
    return { id, instances, events: this.index.listEvents(id).map(describeEvent), figures: this.#instanceFigures.get(id) ?? {} };
  }

  #touch(ids: ReadonlySet<string>): void {
    for (const id of ids) this.#dirty.add(id);
    if (ids.size > 0) this.#schedule();
  }

  #rejudgeMoving(): void {
    for (const [id, { service }] of this.#described) if (service.health === "progressing") this.#dirty.add(id);
    if (this.#dirty.size > 0) this.#schedule();
  }

  #schedule(): void {
    this.#tick ??= setTimeout(() => {
      this.#tick = undefined;
      this.#publish();
    }, this.#options.tickMs ?? 150);
  }

  #refresh(): void {
    const kubernetes = this.#feeds.find("kubernetes");
    const staleSince = kubernetes?.state === "stale" ? new Date(kubernetes.since) : null;
    for (const id of this.#dirty) {
      const family = this.index.findFamily(id);
      const before = this.#described.get(id);
      if (family) {
        const described = describeService(family, { now: this.#options.now(), staleSince });
        const text = JSON.stringify(described.service);
        this.#described.set(id, { ...described, text });
        if (before?.text !== text) this.#pending.services.add(id);
        this.#pending.noteInstances(id, before?.instances ?? [], described.instances);
      } else if (before) {
        this.#described.delete(id);
        this.#figures.delete(id);
        this.#instanceFigures.delete(id);
        this.#pending.services.add(id);
        this.#pending.noteInstances(id, before.instances, []);
      }
    }
    this.#dirty.clear();
  }

  #publish(): void {
    this.#refresh();
    const pending = this.#pending;
    const common: LiveMessage[] = [];
    if (pending.feeds) common.push({ type: "feeds", feeds: this.feeds() });
    if (pending.services.size > 0) common.push(this.#servicesMessage(pending.services));
    if (pending.figures.size > 0) common.push({ type: "figures", services: pick(this.#figures, pending.figures) });
    const detailed = new Map([...this.watchedServices()].map((id) => [id, this.#serviceMessages(id)] as const));
    pending.clear();
    for (const subscription of this.#subscriptions) {
      subscription.push(common);
      if (subscription.serviceId !== null) subscription.push(detailed.get(subscription.serviceId) ?? []);
    }
  }

  #servicesMessage(ids: ReadonlySet<string>): LiveMessage {
    const known = [...ids].map((id) => this.#described.get(id)?.service);
    return {
      type: "services",
      upserted: known.filter((service) => service !== undefined),
      removed: [...ids].filter((id) => !this.#described.has(id)),
    };
  }

  #serviceMessages(service: string): LiveMessage[] {
    const messages: LiveMessage[] = [];
    const instances = this.#pending.instances.get(service);
    if (instances) {
      messages.push({ type: "instances", service, upserted: [...instances.upserted.values()], removed: [...instances.removed] });
    }
    if (this.#pending.events.has(service)) {
      // The whole of a service's (at most 200) events; ones that have aged out leave with the next snapshot.
      messages.push({ type: "events", service, upserted: this.index.listEvents(service).map(describeEvent), removed: [] });
    }
    if (this.#pending.instanceFigures.has(service)) {
      messages.push({ type: "instanceFigures", service, instances: this.#instanceFigures.get(service) ?? {} });
    }
    return messages;
  }
}

/** What changed since the last tick. */
class PendingChanges {
  readonly services = new Set<string>();
  readonly events = new Set<string>();
  readonly figures = new Set<string>();
  readonly instanceFigures = new Set<string>();
  readonly instances = new Map<string, { upserted: Map<string, Instance>; removed: Set<string> }>();
  feeds = false;

  /** Instances are mostly the same objects while nothing about their pods changed, which makes the comparison cheap. */
  noteInstances(id: string, before: readonly Instance[], after: readonly Instance[]): void {
    const known = new Map(before.map((instance) => [instance.uid, instance]));
    const changes = this.instances.get(id) ?? { upserted: new Map<string, Instance>(), removed: new Set<string>() };
    for (const instance of after) {
      if (differ(known.get(instance.uid), instance)) {
        changes.upserted.set(instance.uid, instance);
        changes.removed.delete(instance.uid);
      }
      known.delete(instance.uid);
    }
    for (const uid of known.keys()) {
      changes.upserted.delete(uid);
      changes.removed.add(uid);
    }
    if (changes.upserted.size + changes.removed.size > 0) this.instances.set(id, changes);
  }

  clear(): void {
    for (const part of [this.services, this.events, this.figures, this.instanceFigures, this.instances]) part.clear();
    this.feeds = false;
  }
}

function pick<T>(from: ReadonlyMap<string, T>, ids: ReadonlySet<string>): Record<string, T> {
  return Object.fromEntries([...from].filter(([id]) => ids.has(id)));
}

function differ(before: Instance | undefined, after: Instance): boolean {
  return before !== after && JSON.stringify(before) !== JSON.stringify(after);
}
