import type { EventObject, Pod, TemplateRevision, Workload } from "#lib/kubernetes/objects.ts";
import type { Changes } from "#lib/kubernetes/reflector.ts";
import { describeEvent, describeRevisions, describeService } from "./describe.ts";
import { FeedBoard } from "./feeds.ts";
import { FleetIndex } from "./fleet-index.ts";
import { changedFields, PendingChanges, Unsettled } from "./pending-changes.ts";
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

type Described = { service: Service; instances: Instance[] };

export type FleetStoreOptions = {
  now: () => Date;
  /** Changes within this time go out together. */
  tickMs?: number;
  /** How often services whose health depends on the time are judged again. */
  rejudgeMs?: number;
  /** How long after it was told by its changed fields a service is sent whole once more. */
  settleMs?: number;
};

const sliceMs = 8;
const readMs = 25;

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
  readonly #snapshots = new Map<string | null, LiveMessage>();
  readonly #unsettled = new Unsettled();
  readonly #rejudge: NodeJS.Timeout;
  #pending = new PendingChanges();
  #synced = false;
  #tick: NodeJS.Timeout | undefined;
  #settling: NodeJS.Timeout | undefined;
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
    this.index.applyEvents(changes);
    for (const id of this.watchedServices()) {
      for (const event of this.index.pickAbout(id, changes.upserted)) this.#pending.noteEvent(id, event);
    }
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

  /** Tells all viewers that alerts changed. */
  touchAlerts(): void {
    this.#pending.alerts = true;
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
    this.#refresh(readMs);
    return [...this.#described.values()].map(({ service }) => service);
  }

  findService(id: string): { service: Service; live: LiveService } | null {
    if (this.#dirty.has(id)) this.#describe(id);
    const described = this.#described.get(id);
    return described ? { service: described.service, live: this.#liveService(id, described.instances) } : null;
  }

  /** The kind of a service; null when there is none of that id. */
  findKind(id: string): string | null {
    if (this.#dirty.has(id)) this.#describe(id);
    return this.#described.get(id)?.service.kind ?? null;
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
      () => this.#forget(subscription),
    );
    this.#subscriptions.add(subscription);
    const isUnmeasured = serviceId !== null && !this.#instanceFigures.has(serviceId);
    if (this.#subscriptions.size === 1 || isUnmeasured) this.#onFiguresWanted();
    return subscription;
  }

  /** Nobody measures the instances of a page that nobody looks at: their last figures would pass for present ones later. */
  #forget(subscription: Subscription): void {
    this.#subscriptions.delete(subscription);
    const { serviceId } = subscription;
    if (serviceId !== null && !this.watchedServices().has(serviceId)) this.#instanceFigures.delete(serviceId);
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
    clearTimeout(this.#settling);
    for (const subscription of [...this.#subscriptions]) subscription.close();
  }

  /** Viewers who come while nothing changes share one snapshot, so that a crowd coming back costs little. */
  #snapshot(serviceId: string | null): LiveMessage {
    const known = this.#snapshots.get(serviceId);
    if (known) return known;
    const service = serviceId === null ? null : (this.findService(serviceId)?.live ?? null);
    const services = this.listServices();
    const at = this.#options.now().toISOString();
    const snapshot: LiveMessage = { type: "snapshot", at, services, feeds: this.feeds(), figures: this.figures(), service };
    if (this.#dirty.size === 0) this.#snapshots.set(serviceId, snapshot);
    return snapshot;
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
    this.#snapshots.clear();
    this.#tick ??= setTimeout(() => this.#runTick(), this.#options.tickMs ?? 150);
  }

  /** Describes what changed, by slices where that is much, and then tells the viewers. */
  #runTick(): void {
    if (!this.#refresh(sliceMs)) {
      setImmediate(() => this.#runTick());
      return;
    }
    this.#tick = undefined;
    this.#publish();
  }

  /** Describes what changed, for about as long as is given; whether all of it was. */
  #refresh(budgetMs: number): boolean {
    const deadline = performance.now() + budgetMs;
    for (const id of this.#dirty) {
      this.#describe(id);
      if (performance.now() > deadline) break;
    }
    return this.#dirty.size === 0;
  }

  #describe(id: string): void {
    this.#dirty.delete(id);
    const kubernetes = this.#feeds.find("kubernetes");
    const staleSince = kubernetes?.state === "stale" ? new Date(kubernetes.since) : null;
    const family = this.index.findFamily(id);
    const before = this.#described.get(id);
    if (!family && !before) return;
    const after = family ? describeService(family, { now: this.#options.now(), staleSince }) : undefined;
    if (after) this.#described.set(id, { ...after, service: unlessSame(before?.service, after.service) });
    else {
      this.#described.delete(id);
      this.#figures.delete(id);
      this.#instanceFigures.delete(id);
    }
    this.#pending.services.note(id, before?.service, this.#described.get(id)?.service);
    if (this.#isWatched(id)) this.#pending.noteInstances(id, before?.instances ?? [], after?.instances ?? []);
  }

  #isWatched(id: string): boolean {
    for (const { serviceId } of this.#subscriptions) if (serviceId === id) return true;
    return false;
  }

  /** All viewers of the same page are given the same list of messages, which so becomes bytes once. */
  #publish(): void {
    const pending = this.#pending;
    this.#pending = new PendingChanges();
    const common: LiveMessage[] = [];
    if (pending.feeds) common.push({ type: "feeds", feeds: this.feeds() });
    if (pending.alerts) common.push({ type: "alerts", at: this.#options.now().toISOString() });
    const services = pending.services.difference();
    if (services) common.push({ type: "services", ...services });
    for (const { key } of services?.changed ?? []) this.#unsettled.note(key, { service: true }, performance.now());
    if (pending.figures.size > 0) common.push({ type: "figures", services: pick(this.#figures, pending.figures) });
    const messages = new Map<string | null, LiveMessage[]>([[null, common]]);
    for (const id of this.watchedServices()) messages.set(id, [...common, ...this.#serviceMessages(id, pending)]);
    for (const subscription of this.#subscriptions) subscription.push(messages.get(subscription.serviceId) ?? common);
    if (!this.#unsettled.isEmpty) this.#settling ??= setTimeout(() => this.#settle(), this.#settleMs / 4);
  }

  get #settleMs(): number {
    return this.#options.settleMs ?? 10_000;
  }

  /** Sends whole, once, what was last told by its changed fields. */
  #settle(): void {
    this.#settling = undefined;
    for (const [id, part] of this.#unsettled.takeBefore(performance.now() - this.#settleMs)) {
      const described = this.#described.get(id);
      if (part.service) this.#pending.services.note(id, undefined, described?.service);
      const instances = described?.instances.filter(({ uid }) => part.instances.has(uid)) ?? [];
      if (instances.length > 0 && this.#isWatched(id)) this.#pending.noteInstances(id, [], instances);
      this.#schedule();
    }
    if (!this.#unsettled.isEmpty) this.#settling = setTimeout(() => this.#settle(), this.#settleMs / 4);
  }

  #serviceMessages(service: string, pending: PendingChanges): LiveMessage[] {
    const messages: LiveMessage[] = [];
    const instances = pending.instances.get(service)?.difference();
    if (instances) messages.push({ type: "instances", service, ...instances });
    const uids = instances?.changed?.map(({ key }) => key);
    if (uids) this.#unsettled.note(service, { instances: uids }, performance.now());
    const events = pending.events.get(service);
    // Events that have aged out leave with the next snapshot.
    if (events) messages.push({ type: "events", service, upserted: [...events.values()].map(describeEvent), removed: [] });
    if (pending.instanceFigures.has(service)) {
      messages.push({ type: "instanceFigures", service, instances: this.#instanceFigures.get(service) ?? {} });
    }
    return messages;
  }
}

function unlessSame(before: Service | undefined, after: Service): Service {
  return before && changedFields(before, after) === null ? before : after;
}

function pick<T>(from: ReadonlyMap<string, T>, ids: ReadonlySet<string>): Record<string, T> {
  return Object.fromEntries([...from].filter(([id]) => ids.has(id)));
}
