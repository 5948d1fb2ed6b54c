import type { EventObject, KubernetesObject, Pod, TemplateRevision, Workload, WorkloadKind } from "#lib/kubernetes/objects.ts";
import type { Changes } from "#lib/kubernetes/reflector.ts";
import { candidateName } from "../rollouts/engine/run.ts";
import { serviceOfCandidate } from "./candidate.ts";
import type { ServiceFamily, WorkloadFamily } from "./describe.ts";
import { isManaged } from "./template.ts";

const maxEventsOfService = 200;
const workloadKinds: readonly WorkloadKind[] = ["Deployment", "StatefulSet"];

/**
 * Who belongs to whom, by owner uid: Deployment -> ReplicaSets -> pods, StatefulSet -> ControllerRevisions and pods; and events by
 * the object they are about. A rollout's candidate belongs to its service. Each change costs the same however large the fleet is,
 * and names the services that it touches. Parts may arrive in any order.
 */
export class FleetIndex {
  readonly #workloads = new Map<string, Workload>();
  readonly #keyByUid = new Map<string, string>();
  readonly #revisions = new OwnedObjects<TemplateRevision>();
  readonly #pods = new OwnedObjects<Pod>();
  readonly #events = new Map<string, Map<string, EventObject>>();

  /** Ids (namespace/name) of the services whose description may have changed. */
  applyWorkloads({ upserted, removed }: Changes<Workload>): Set<string> {
    const touched = new Set<string>();
    for (const workload of removed) {
      touched.add(this.#forget(workload));
    }
    for (const workload of upserted) {
      const key = keyOf(workload.kind, idOf(workload));
      const known = this.#workloads.get(key);
      if (known && known.metadata.uid !== workload.metadata.uid) this.#keyByUid.delete(known.metadata.uid);
      this.#workloads.set(key, workload);
      this.#keyByUid.set(workload.metadata.uid, key);
      touched.add(serviceIdOf(workload));
      if (known) touched.add(serviceIdOf(known));
    }
    return touched;
  }

  applyRevisions(changes: Changes<TemplateRevision>): Set<string> {
    return this.#serviceIds([...changes.upserted, ...changes.removed].map(ownerUid), () => this.#revisions.apply(changes));
  }

  applyPods(changes: Changes<Pod>): Set<string> {
    const owners = [...changes.upserted, ...changes.removed].map((pod) => this.#workloadUidOf(pod));
    return this.#serviceIds(owners, () => this.#pods.apply(changes));
  }

  applyEvents({ upserted, removed }: Changes<EventObject>): void {
    for (const event of removed) {
      const subject = subjectOf(event);
      const about = this.#events.get(subject);
      about?.delete(event.metadata.uid);
      if (about?.size === 0) this.#events.delete(subject);
    }
    for (const event of upserted) {
      const subject = subjectOf(event);
      const about = this.#events.get(subject) ?? new Map<string, EventObject>();
      this.#events.set(subject, about.set(event.metadata.uid, event));
    }
  }

  /** Ids of all managed services. */
  serviceIds(): string[] {
    return [...new Set([...this.#workloads.values()].filter(isManaged).map(idOf))];
  }

  /** A managed service's workload with all that belongs to it, or null when there is none of that id. */
  findFamily(id: string): ServiceFamily | null {
    const workload = this.#findManaged(id);
    if (!workload) return null;
    const candidate = this.#findCandidate(workload);
    return { ...this.#familyOf(workload), candidate: candidate ? this.#familyOf(candidate) : null };
  }

  /** The newest events about a service's workload and its candidate, their ReplicaSets and their pods, newest first. */
  listEvents(id: string): EventObject[] {
    const about = this.#subjectsOf(id).flatMap((subject) => [...(this.#events.get(subject)?.values() ?? [])]);
    return about.toSorted((a, b) => (lastSeen(a) < lastSeen(b) ? 1 : -1)).slice(0, maxEventsOfService);
  }

  /** Those of the events that are about a service's workload or its candidate, their ReplicaSets or their pods. */
  pickAbout(id: string, events: readonly EventObject[]): EventObject[] {
    const subjects = new Set(this.#subjectsOf(id));
    return events.filter((event) => subjects.has(subjectOf(event)));
  }

  #findManaged(id: string): Workload | undefined {
    return workloadKinds.map((kind) => this.#workloads.get(keyOf(kind, id))).find((one) => one && isManaged(one));
  }

  #familyOf(workload: Workload): WorkloadFamily {
    const revisions = this.#revisions.of(workload.metadata.uid);
    const owners = [workload, ...revisions].map(({ metadata }) => metadata.uid);
    return { workload, revisions, pods: owners.flatMap((uid) => this.#pods.of(uid)) };
  }

  #findCandidate({ metadata: { namespace, name } }: Workload): Workload | undefined {
    const found = this.#workloads.get(keyOf("Deployment", `${namespace}/${candidateName(name)}`));
    return found && serviceOfCandidate(found) === name ? found : undefined;
  }

  #subjectsOf(id: string): string[] {
    const workload = this.#findManaged(id);
    if (!workload) return [];
    const candidate = this.#findCandidate(workload);
    return [workload, ...(candidate ? [candidate] : [])].flatMap((one) => this.#subjectsOfWorkload(one));
  }

  #subjectsOfWorkload({ metadata, kind }: Workload): string[] {
    const revisions = this.#revisions.of(metadata.uid).map((revision) => revision.metadata.name);
    const podOwners = kind === "StatefulSet" ? [metadata.name] : revisions;
    const subjects = [`${kind}/${metadata.name}`, ...revisions.map((name) => `ReplicaSet/${name}`)];
    return [...subjects, ...podOwners.map((name) => `Pods of/${name}`)].map(
      (subject) => `${metadata.namespace ?? ""}/${subject}`,
    );
  }

  /** The workload that a pod belongs to, managed or not, of a candidate the one that it stands beside; null when there is none. */
  findWorkloadOf(pod: Pod): Workload | null {
    const workload = this.#byUid(this.#workloadUidOf(pod));
    if (!workload || serviceOfCandidate(workload) === null) return workload ?? null;
    return this.#findManaged(serviceIdOf(workload)) ?? null;
  }

  /** Every pod of the cluster, managed or not. */
  listPods(): Pod[] {
    return this.#pods.all();
  }

  #forget(workload: Workload): string {
    const key = keyOf(workload.kind, idOf(workload));
    this.#keyByUid.delete(workload.metadata.uid);
    if (this.#workloads.get(key)?.metadata.uid === workload.metadata.uid) this.#workloads.delete(key);
    return serviceIdOf(workload);
  }

  #byUid(uid = ""): Workload | undefined {
    return this.#workloads.get(this.#keyByUid.get(uid) ?? "");
  }

  /** A Deployment's pods belong to a ReplicaSet of it, a StatefulSet's to itself. */
  #workloadUidOf(pod: Pod): string | undefined {
    const owner = ownerUid(pod);
    return ownerUid(this.#revisions.byUid(owner ?? "")) ?? owner;
  }

  #serviceIds(uids: (string | undefined)[], apply: () => void): Set<string> {
    apply();
    const workloads = uids.map((uid) => this.#byUid(uid)).filter((workload) => workload !== undefined);
    return new Set(workloads.map(serviceIdOf));
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

/** A Deployment and a StatefulSet may have the same name; the managed one of them is the service of that id. */
function keyOf(kind: WorkloadKind, id: string): string {
  return `${kind} ${id}`;
}

function idOf({ metadata }: Workload): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** The id of the service that a workload is, or stands beside. */
function serviceIdOf(workload: Workload): string {
  return `${workload.metadata.namespace}/${serviceOfCandidate(workload) ?? workload.metadata.name}`;
}

/** What an event is about; the pods of one owner are one subject, known by their generated names: relay-698c of relay-698c-x8bb6. */
function subjectOf({ involvedObject: { namespace = "", kind = "", name = "" } }: EventObject): string {
  if (kind !== "Pod") return `${namespace}/${kind}/${name}`;
  return `${namespace}/Pods of/${name.slice(0, Math.max(0, name.lastIndexOf("-")))}`;
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
