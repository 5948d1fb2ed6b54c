import type { Deployment, EventObject, KubernetesObject, Pod, ReplicaSet } from "#lib/kubernetes/objects.ts";
import type { Changes } from "#lib/kubernetes/reflector.ts";
import type { Workload } from "./describe.ts";
import { kindLabel } from "./schemas.ts";

const maxEventsOfService = 200;

/**
 * Who belongs to whom: Deployment -> ReplicaSets -> pods, by owner uid, and events by the object they are about. Each change
 * costs the same however large the fleet is, and names the services that it touches. Parts may arrive in any order.
 */
export class FleetIndex {
  readonly #deployments = new Map<string, Deployment>();
  readonly #idByUid = new Map<string, string>();
  readonly #replicaSets = new OwnedObjects<ReplicaSet>();
  readonly #pods = new OwnedObjects<Pod>();
  readonly #events = new Map<string, Map<string, EventObject>>();

  /** Ids (namespace/name) of the services whose description may have changed. */
  applyDeployments({ upserted, removed }: Changes<Deployment>): Set<string> {
    const touched = new Set<string>();
    for (const deployment of removed) {
      touched.add(this.#forget(deployment));
    }
    for (const deployment of upserted) {
      const id = idOf(deployment);
      const known = this.#deployments.get(id);
      if (known && known.metadata.uid !== deployment.metadata.uid) this.#idByUid.delete(known.metadata.uid);
      this.#deployments.set(id, deployment);
      this.#idByUid.set(deployment.metadata.uid, id);
      touched.add(id);
    }
    return touched;
  }

  applyReplicaSets(changes: Changes<ReplicaSet>): Set<string> {
    return this.#serviceIds([...changes.upserted, ...changes.removed].map(ownerUid), () => this.#replicaSets.apply(changes));
  }

  applyPods(changes: Changes<Pod>): Set<string> {
    const owners = [...changes.upserted, ...changes.removed].map((pod) => this.#deploymentUidOf(pod));
    return this.#serviceIds(owners, () => this.#pods.apply(changes));
  }

  /** Ids of the services whose events changed. */
  applyEvents({ upserted, removed }: Changes<EventObject>): Set<string> {
    const touched = new Set<string>();
    for (const event of removed) {
      const subject = subjectOf(event);
      const about = this.#events.get(subject);
      about?.delete(event.metadata.uid);
      if (about?.size === 0) this.#events.delete(subject);
      this.#touchSubject(event, touched);
    }
    for (const event of upserted) {
      const about = this.#events.get(subjectOf(event)) ?? new Map<string, EventObject>();
      about.set(event.metadata.uid, event);
      this.#events.set(subjectOf(event), about);
      this.#touchSubject(event, touched);
    }
    return touched;
  }

  /** Ids of all managed services. */
  serviceIds(): string[] {
    return [...this.#deployments].filter(([, deployment]) => isManaged(deployment)).map(([id]) => id);
  }

  /** The workload of a managed service, or null when there is none of that id. */
  findWorkload(id: string): Workload | null {
    const deployment = this.#deployments.get(id);
    if (!deployment || !isManaged(deployment)) return null;
    const replicaSets = this.#replicaSets.of(deployment.metadata.uid);
    return { deployment, replicaSets, pods: replicaSets.flatMap((replicaSet) => this.#pods.of(replicaSet.metadata.uid)) };
  }

  /** The newest events about a service's Deployment, ReplicaSets and pods, newest first. */
  listEvents(id: string): EventObject[] {
    const workload = this.findWorkload(id);
    if (!workload) return [];
    const namespace = workload.deployment.metadata.namespace ?? "";
    const subjects = [
      `${namespace}/Deployment/${workload.deployment.metadata.name}`,
      ...workload.replicaSets.map(({ metadata }) => `${namespace}/ReplicaSet/${metadata.name}`),
    ];
    const names = new Set(workload.replicaSets.map(({ metadata }) => metadata.name));
    const about = subjects.flatMap((subject) => [...(this.#events.get(subject)?.values() ?? [])]);
    for (const [subject, events] of this.#events) {
      const [of, kind, name = ""] = subject.split("/");
      if (of === namespace && kind === "Pod" && names.has(name.slice(0, name.lastIndexOf("-")))) about.push(...events.values());
    }
    return about.toSorted((a, b) => lastSeen(b).localeCompare(lastSeen(a))).slice(0, maxEventsOfService);
  }

  /** The Deployment that a pod belongs to, managed or not; null when there is none. */
  findDeploymentOf(pod: Pod): Deployment | null {
    const id = this.#idByUid.get(this.#deploymentUidOf(pod) ?? "");
    return (id && this.#deployments.get(id)) || null;
  }

  /** Every pod of the cluster, managed or not. */
  listPods(): Pod[] {
    return this.#pods.all();
  }

  #forget(deployment: Deployment): string {
    const id = idOf(deployment);
    this.#idByUid.delete(deployment.metadata.uid);
    if (this.#deployments.get(id)?.metadata.uid === deployment.metadata.uid) this.#deployments.delete(id);
    return id;
  }

  #deploymentUidOf(pod: Pod): string | undefined {
    const owner = ownerUid(pod);
    return owner && ownerUid(this.#replicaSets.byUid(owner));
  }

  #serviceIds(uids: (string | undefined)[], apply: () => void): Set<string> {
    apply();
    return new Set(uids.map((uid) => this.#idByUid.get(uid ?? "")).filter((id) => id !== undefined));
  }

  #touchSubject(event: EventObject, touched: Set<string>): void {
    const { namespace = "", kind, name = "" } = event.involvedObject;
    const depth = kind === "Pod" ? 2 : kind === "ReplicaSet" ? 1 : 0;
    const id = `${namespace}/${name
      .split("-")
      .slice(0, depth === 0 ? undefined : -depth)
      .join("-")}`;
    if (this.#deployments.has(id)) touched.add(id);
  }
}

/** Objects by the uid of their controller. */
class OwnedObjects<T extends KubernetesObject> {
  readonly #byOwner = new Map<string, Map<string, T>>();
  readonly #byUid = new Map<string, T>();

  apply({ upserted, removed }: Changes<T>): void {
    for (const object of removed) this.#remove(object.metadata.uid);
    for (const object of upserted) {
      this.#remove(object.metadata.uid);
      const owner = ownerUid(object) ?? "";
      const owned = this.#byOwner.get(owner) ?? new Map<string, T>();
      owned.set(object.metadata.uid, object);
      this.#byOwner.set(owner, owned);
      this.#byUid.set(object.metadata.uid, object);
    }
  }

  of(owner: string): T[] {
    return [...(this.#byOwner.get(owner)?.values() ?? [])];
  }

  all(): T[] {
    return [...this.#byUid.values()];
  }

  byUid(uid: string): T | undefined {
    return this.#byUid.get(uid);
  }

  #remove(uid: string): void {
    const owner = ownerUid(this.#byUid.get(uid)) ?? "";
    const owned = this.#byOwner.get(owner);
    owned?.delete(uid);
    if (owned?.size === 0) this.#byOwner.delete(owner);
    this.#byUid.delete(uid);
  }
}

function ownerUid(object: KubernetesObject | undefined): string | undefined {
  return object?.metadata.ownerReferences?.find((owner) => owner.controller)?.uid;
}

function isManaged(deployment: Deployment): boolean {
  return deployment.metadata.labels?.[kindLabel] !== undefined;
}

function idOf(deployment: Deployment): string {
  return `${deployment.metadata.namespace}/${deployment.metadata.name}`;
}

function subjectOf({ involvedObject: { namespace = "", kind = "", name = "" } }: EventObject): string {
  return `${namespace}/${kind}/${name}`;
}

function lastSeen(event: EventObject): string {
  return (
    event.series?.lastObservedTime ??
    event.lastTimestamp ??
    event.eventTime ??
    event.firstTimestamp ??
    event.metadata.creationTimestamp
  );
}
