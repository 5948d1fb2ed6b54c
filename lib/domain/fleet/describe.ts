import type { EventObject, Pod, TemplateRevision, Workload } from "#lib/kubernetes/objects.ts";
import { describeAbout } from "./about.ts";
import { trackOf } from "./candidate.ts";
import { countReplicas, judgeHealth } from "./health.ts";
import { mainContainer, versionOf } from "./image.ts";
import { findLastRestart, readPodStatus } from "./pod-status.ts";
import { type Candidate, type Instance, kindLabel, type Revision, type Service, type ServiceEvent } from "./schemas.ts";
import { findCurrentRevision, hashOfPod, presentRevision, templateYaml } from "./template.ts";

/** A workload with all that belongs to it. */
export type WorkloadFamily = { workload: Workload; revisions: readonly TemplateRevision[]; pods: readonly Pod[] };

/** A service's own workload, and its rollout's candidate while there is one. */
export type ServiceFamily = WorkloadFamily & { candidate?: WorkloadFamily | null };

/** What the words depend on beside the objects: the time, and since when the cluster is silent (null while it talks). */
export type Moment = { now: Date; staleSince: Date | null };

/** The service as lists and headers show it, and its instances with those of its candidate, oldest first. */
export function describeService(
  { workload, revisions, pods, candidate = null }: ServiceFamily,
  moment: Moment,
): { service: Service; instances: Instance[] } {
  const { metadata, spec, status } = workload;
  // A candidate numbers its templates for itself: its numbers would say nothing in the service's history.
  const numbers = new Map(revisions.map(({ hash, number }) => [hash, number]));
  const instances = [...pods, ...(candidate?.pods ?? [])].map((pod) => findInstance(pod, metadata.name, numbers)).toSorted(byAge);
  const containers = spec.template.spec.containers.map(({ name, image = "" }) => ({ name, image }));
  const main = mainContainer(containers, metadata.name) ?? { name: "", image: "" };
  const counts = countReplicas(workload);
  const { health, reason } = judgeHealth({ workload, candidate: candidate?.workload ?? null, instances, ...moment });
  const service: Service = {
    id: `${metadata.namespace}/${metadata.name}`,
    uid: metadata.uid,
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    kind: metadata.labels?.[kindLabel] ?? "",
    workload: workload.kind,
    desired: counts.desired,
    ready: counts.ready,
    updated: counts.updated,
    available: counts.available,
    unavailable: status?.unavailableReplicas ?? Math.max(0, counts.desired - counts.available),
    image: main.image,
    version: versionOf(main.image),
    container: main.name,
    containers,
    templateHash: findCurrentRevision(workload, revisions)?.hash ?? "",
    revision: presentRevision(workload, revisions),
    restarts: instances.reduce((sum, instance) => sum + instance.restarts, 0),
    health,
    healthReason: reason,
    paused: spec.paused ?? false,
    generation: metadata.generation ?? 0,
    observedGeneration: status?.observedGeneration ?? 0,
    createdAt: metadata.creationTimestamp,
    candidate: candidate && describeCandidate(candidate, metadata.name),
    about: describeAbout(workload),
  };
  return { service, instances };
}

function describeCandidate({ workload, revisions }: WorkloadFamily, service: string): Candidate {
  const { image = "" } = mainContainer(workload.spec.template.spec.containers, service) ?? {};
  const { desired, ready, available } = countReplicas(workload);
  const templateHash = findCurrentRevision(workload, revisions)?.hash ?? "";
  return { name: workload.metadata.name, image, version: versionOf(image), templateHash, desired, ready, available };
}

function byAge(a: Instance, b: Instance): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}

const instances = new WeakMap<Pod, Instance>();

/** The same pod object gives the same instance object, so that a large service's change costs only what changed. */
function findInstance(pod: Pod, service: string, numbers: ReadonlyMap<string, number | null>): Instance {
  const known = instances.get(pod);
  const revision = numbers.get(hashOfPod(pod)) ?? null;
  if (known && known.revision === revision && known.service === service) return known;
  const instance = describeInstance(pod, service, revision);
  instances.set(pod, instance);
  return instance;
}

function describeInstance(pod: Pod, service: string, revision: number | null): Instance {
  const { metadata, spec, status } = pod;
  const reading = readPodStatus(pod);
  const image = mainContainer(spec.containers, service)?.image ?? "";
  const templateHash = hashOfPod(pod);
  const running = mainContainer(status?.containerStatuses ?? [], service)?.state?.running;
  return {
    uid: metadata.uid,
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    service,
    node: spec.nodeName ?? null,
    address: status?.podIP ?? null,
    status: reading.status,
    statusMessage: reading.message,
    phase: status?.phase ?? "Pending",
    ready: reading.ready,
    restarts: reading.restarts,
    lastRestart: findLastRestart(pod),
    image,
    version: versionOf(image),
    revision,
    track: trackOf(pod),
    templateHash,
    containers: spec.containers.map((container) => container.name),
    startedAt: running?.startedAt ?? null,
    createdAt: metadata.creationTimestamp,
    deleting: metadata.deletionTimestamp !== undefined,
  };
}

/** The history of a service, newest first. */
export function describeRevisions({ workload, revisions, pods }: WorkloadFamily): Revision[] {
  const current = findCurrentRevision(workload, revisions)?.hash;
  const source = workload.kind === "Deployment" ? "ReplicaSet" : "ControllerRevision";
  return revisions
    .map(({ metadata, number, hash, template, replicas }): Revision => {
      const { containers } = template.spec;
      return {
        revision: number ?? 0,
        source: `${source} ${metadata.name}`,
        templateHash: hash,
        images: containers.map((container) => container.image ?? ""),
        version: versionOf(mainContainer(containers, workload.metadata.name)?.image ?? ""),
        createdAt: metadata.creationTimestamp,
        changeCause: metadata.annotations?.["kubernetes.io/change-cause"] ?? null,
        replicas: replicas ?? pods.filter((pod) => hashOfPod(pod) === hash).length,
        current: hash === current,
        template: templateYaml(template),
      };
    })
    .toSorted((a, b) => b.revision - a.revision);
}

/** An event as pages show it; both the old fields and the newer `series` are read. */
export function describeEvent(event: EventObject): ServiceEvent {
  const { metadata, involvedObject, series } = event;
  const first = event.firstTimestamp ?? event.eventTime ?? metadata.creationTimestamp;
  return {
    uid: metadata.uid,
    type: event.type ?? "Normal",
    reason: event.reason ?? "",
    message: event.message ?? "",
    objectKind: involvedObject.kind ?? "",
    objectName: involvedObject.name ?? "",
    count: series?.count ?? event.count ?? 1,
    firstAt: first,
    lastAt: series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? first,
    source: event.source?.component || event.reportingComponent || "",
  };
}
