import type { JsonPatch, PodTemplate, TemplateRevision, Workload } from "#lib/kubernetes/objects.ts";
import { candidateName, type RolloutRun } from "./run.ts";
import { filterSelecting } from "./selecting.ts";
import { digestTemplate } from "./template-digest.ts";
import type { RouteObject, ServiceObject } from "./traffic.ts";
import type { World } from "./world.ts";
import type { Write } from "./writes.ts";

/**
 * A cluster in memory that does as its controllers do, one instance a tick: rolling updates with a surge of one and none missing, and
 * Services that select by labels. For tests of the pure part only; the whole is tried against services/cluster.
 */
export class ClusterModel {
  readonly objects = new Map<string, ModelObject>();
  readonly revisions: TemplateRevision[] = [];
  readonly written: string[] = [];
  autoscaler: World["autoscaler"] = null;
  failing: string | null = null;
  /** Instances of this version never become available. */
  broken: string | null = null;
  /** So many instances in all find room on the nodes. */
  room = Number.POSITIVE_INFINITY;
  #version = 1;

  constructor({ replicas, hasService, route }: { replicas: number; hasService?: boolean; route?: RouteObject }) {
    const template = templateOf("2.0.0");
    this.#put(stablePath, {
      kind: "Deployment",
      metadata: { ...metadata("relay"), labels: { "switchyard.dev/kind": "relay" } },
      spec: { replicas, selector: { matchLabels: { app: "relay" } }, template },
      pods: { [digestTemplate(template)]: replicas },
    });
    if (hasService) {
      this.#put(servicePath, { metadata: metadata("relay"), spec: { selector: { app: "relay" }, ports: [{ port: 80 }] } });
    }
    if (route) this.#put(routePathOf(route), { ...route, metadata: metadata("relay") });
    this.tick();
  }

  world(before: RolloutRun["before"]): World {
    const stable = this.#workload(stablePath);
    const candidate = this.#workload(candidatePath);
    const route = [...this.objects.values()].find(({ kind }) => kind === "VirtualService" || kind === "HTTPRoute");
    const known = before.route !== null || route !== undefined;
    return {
      stable,
      stableHash: stable && digestTemplate(stable.spec.template),
      revisions: this.revisions,
      candidate,
      candidateHash: candidate && digestTemplate(candidate.spec.template),
      service: this.#copy<ServiceObject>(servicePath),
      candidateService: this.#copy<ServiceObject>(candidateServicePath),
      selecting: stable ? filterSelecting(this.#services(), stable.spec.template) : [],
      route: known && route ? (structuredClone(route) as unknown as RouteObject) : null,
      autoscaler: this.autoscaler,
      failing: this.failing,
    };
  }

  apply(writes: readonly Write[]): void {
    for (const write of writes) {
      this.written.push(`${write.kind} ${write.path.split("/").slice(-2).join("/")}`);
      if (write.kind === "create") {
        const object = structuredClone(write.object) as ModelObject;
        const path = `${write.path}/${object.metadata.name}`;
        if (this.objects.has(path)) throw new Error(`${path} exists`);
        this.#put(path, { ...object, metadata: { ...metadata(object.metadata.name), ...object.metadata }, pods: {} });
      } else {
        const object = this.objects.get(write.path);
        if (!object) throw new Error(`there is no ${write.path}`);
        if (write.kind === "remove") this.objects.delete(write.path);
        else this.#put(write.path, patched(object, write.patch));
      }
    }
  }

  /** Changes what a person with kubectl would. */
  edit(path: string, patch: JsonPatch): void {
    const object = this.objects.get(path);
    if (object) this.#put(path, patched(object, patch));
  }

  /** The controllers see what was written, and start or end one instance of each workload. */
  tick(): void {
    for (const object of this.objects.values()) {
      const { spec, pods } = object;
      if (!spec.template || !pods) continue;
      const hash = digestTemplate(spec.template);
      const wanted = spec.replicas ?? 1;
      const all = sum(pods);
      const old = Object.keys(pods).find((one) => one !== hash && (pods[one] ?? 0) > 0);
      const own = pods[hash] ?? 0;
      const ready = this.#isBroken(spec.template) ? all - own : all;
      if (spec.paused && old) pods[hash] = own;
      else if (all > wanted && old && ready > wanted) pods[old] = (pods[old] ?? 0) - 1;
      else if (all > wanted && !old) pods[hash] = own - 1;
      else if (own < wanted && all <= wanted && this.#instances() < this.room) pods[hash] = own + 1;
      this.#observe(object);
    }
  }

  /** Available instances by version, as the Service's traffic finds them. */
  served(): Record<string, number> {
    const selector = this.#copy<ServiceObject>(servicePath)?.spec.selector ?? {};
    const pinned = selector["pod-template-hash"];
    const counts: Record<string, number> = {};
    for (const object of this.objects.values()) {
      for (const [hash, count] of Object.entries(object.pods ?? {})) {
        const version = versions.get(hash) ?? "";
        if (pinned === undefined || pinned === hash)
          counts[version] = (counts[version] ?? 0) + (version === this.broken ? 0 : count);
      }
    }
    return counts;
  }

  /** Everything that a rollout has to leave as it was, or as it wanted it. */
  summary(): Record<string, unknown> {
    const route = [...this.objects.values()].find(({ kind }) => kind === "VirtualService" || kind === "HTTPRoute");
    const stable = this.objects.get(stablePath);
    return {
      objects: [...this.objects.keys()].toSorted(),
      version: versions.get(digestTemplate(stable?.spec.template ?? templateOf(""))),
      replicas: stable?.spec.replicas,
      paused: stable?.spec.paused ?? false,
      selector: this.#copy<ServiceObject>(servicePath)?.spec.selector ?? null,
      route: route?.spec.http ?? route?.spec.rules ?? null,
    };
  }

  #instances(): number {
    return [...this.objects.values()].reduce((total, { pods = {} }) => total + sum(pods), 0);
  }

  #observe(object: ModelObject): void {
    const { spec, pods = {}, metadata: meta } = object;
    const updated = spec.template ? (pods[digestTemplate(spec.template)] ?? 0) : 0;
    const replicas = sum(pods);
    const unavailable = spec.template && this.#isBroken(spec.template) ? updated : 0;
    object.status = {
      observedGeneration: meta.generation,
      replicas,
      updatedReplicas: updated,
      availableReplicas: replicas - unavailable,
    };
  }

  #isBroken(template: PodTemplate): boolean {
    return this.broken !== null && versions.get(digestTemplate(template)) === this.broken;
  }

  #put(path: string, object: ModelObject): void {
    this.#version += 1;
    const { generation = 0 } = object.metadata;
    const before = this.objects.get(path);
    const isSame = before && JSON.stringify(before.spec) === JSON.stringify(object.spec);
    const next = { resourceVersion: String(this.#version), generation: isSame ? generation : generation + 1 };
    this.objects.set(path, { ...object, metadata: { ...object.metadata, ...next } });
    const { template } = object.spec;
    if (path !== stablePath || !template || this.revisions.some((one) => one.hash === digestTemplate(template))) return;
    this.revisions.push({
      metadata: metadata(`relay-${this.revisions.length}`),
      number: this.revisions.length + 1,
      hash: digestTemplate(template),
      template,
      replicas: null,
    });
  }

  #workload(path: string): Workload | null {
    return this.#copy<Workload>(path);
  }

  #services(): ServiceObject[] {
    const found = [...this.objects.entries()].filter(([path]) => path.startsWith(servicesPath));
    return structuredClone(found.map(([, object]) => object)) as unknown as ServiceObject[];
  }

  #copy<T>(path: string): T | null {
    const object = this.objects.get(path);
    return object ? (structuredClone(object) as unknown as T) : null;
  }
}

type ModelObject = {
  kind?: string;
  metadata: Workload["metadata"];
  spec: { replicas?: number; paused?: boolean; template?: PodTemplate; http?: unknown; rules?: unknown } & Record<
    string,
    unknown
  >;
  status?: Workload["status"];
  /** Instances by the digest of their template. */
  pods?: Record<string, number>;
};

export const stablePath = "/apis/apps/v1/namespaces/fleet/deployments/relay";
export const candidatePath = `/apis/apps/v1/namespaces/fleet/deployments/${candidateName("relay")}`;
export const servicesPath = "/api/v1/namespaces/fleet/services";
export const servicePath = `${servicesPath}/relay`;
const candidateServicePath = `${servicesPath}/${candidateName("relay")}`;
export const routePath = "/apis/networking.istio.io/v1/namespaces/fleet/virtualservices/relay";

function routePathOf({ kind }: RouteObject): string {
  return kind === "HTTPRoute" ? "/apis/gateway.networking.k8s.io/v1/namespaces/fleet/httproutes/relay" : routePath;
}

const versions = new Map<string, string>();

/** The pod template of a version. */
export function templateOf(version: string): PodTemplate {
  const template: PodTemplate = {
    metadata: { labels: { app: "relay" } },
    spec: { containers: [{ name: "relay", image: `switchyard/relay:${version}` }] },
  };
  versions.set(digestTemplate(template), version);
  const labels = { ...template.metadata?.labels, "switchyard.dev/candidate-of": "relay" };
  versions.set(digestTemplate({ ...template, metadata: { labels } }), version);
  return template;
}

function metadata(name: string): Workload["metadata"] {
  return { name, namespace: "fleet", uid: `uid-${name}`, resourceVersion: "", creationTimestamp: "2026-01-01T00:00:00Z" };
}

function sum(pods: Record<string, number>): number {
  return Object.values(pods).reduce((total, count) => total + count, 0);
}

/** The object after a JSON Patch; throws when a test fails or a path is not there. */
function patched(object: ModelObject, patch: JsonPatch): ModelObject {
  const copy = structuredClone(object);
  for (const operation of patch) {
    const keys = operation.path
      .split("/")
      .slice(1)
      .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = keys.pop() ?? "";
    const parent = keys.reduce<Record<string, unknown>>(
      (at, key) => {
        const inner = at[key];
        if (typeof inner !== "object" || inner === null) throw new Error(`there is no ${operation.path}`);
        return inner as Record<string, unknown>;
      },
      copy as unknown as Record<string, unknown>,
    );
    if (operation.op === "test" && parent[last] !== operation.value) throw new Error(`${operation.path} has changed`);
    if (operation.op === "remove") delete parent[last];
    if (operation.op === "add" || operation.op === "replace") parent[last] = structuredClone(operation.value);
  }
  return copy;
}
