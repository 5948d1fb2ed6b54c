import {
  type KubernetesObject,
  KubernetesObjectApi,
  type V1Deployment,
  type V1Job,
  type V1PersistentVolumeClaim,
  type V1Pod,
  type V1StatefulSet,
} from "@kubernetes/client-node";
import { eventually, type TestCluster } from "./harness.ts";
import { type Kubectl, KubectlSession } from "./kubectl.ts";

/** One namespace in which kubectl does what a person does, and the client library looks at what came of it. */
export class WorkloadSession {
  readonly k: KubectlSession;
  readonly #objects: KubernetesObjectApi;
  readonly #namespace: string;

  private constructor(k: KubectlSession, objects: KubernetesObjectApi, namespace: string) {
    this.k = k;
    this.#objects = objects;
    this.#namespace = namespace;
  }

  static async open(cluster: TestCluster, kubectl: Kubectl, namespace: string): Promise<WorkloadSession> {
    const k = new KubectlSession(kubectl, cluster.kubeconfigPath, namespace);
    await k.run(["create", "namespace", namespace]);
    return new WorkloadSession(k, KubernetesObjectApi.makeApiClient(cluster.config), namespace);
  }

  apply(manifest: object): Promise<string> {
    return this.k.run(["apply", "-f", "-"], JSON.stringify(manifest));
  }

  patch(target: string, change: object): Promise<string> {
    return this.k.run(["patch", ...target.split("/"), "--type=merge", "-p", JSON.stringify(change)]);
  }

  rolledOut(target: string): Promise<string> {
    return this.k.run(["rollout", "status", target, "--timeout=30s"]);
  }

  read<T extends KubernetesObject>(apiVersion: string, kind: string, name: string): Promise<T> {
    const metadata = { name, namespace: this.#namespace };
    return this.#objects.read<T & { metadata: { name: string; namespace: string } }>({ apiVersion, kind, metadata });
  }

  async list<T extends KubernetesObject>(apiVersion: string, kind: string, selector?: string): Promise<T[]> {
    const none = undefined;
    const { items } = await this.#objects.list<T>(apiVersion, kind, this.#namespace, none, none, none, none, selector);
    return items;
  }

  pods(app: string): Promise<V1Pod[]> {
    return this.list<V1Pod>("v1", "Pod", `app=${app}`);
  }

  podsOfJob(name: string): Promise<V1Pod[]> {
    return this.list<V1Pod>("v1", "Pod", `job-name=${name}`);
  }

  async podNames(app: string): Promise<string[]> {
    return (await this.pods(app)).map(({ metadata }) => metadata?.name ?? "").sort();
  }

  /** The image of each pod, by the pod's name. */
  async images(app: string): Promise<Record<string, string | undefined>> {
    return Object.fromEntries(
      (await this.pods(app)).map(({ metadata, spec }) => [metadata?.name ?? "", spec?.containers[0]?.image]),
    );
  }

  pod(name: string): Promise<V1Pod> {
    return this.read<V1Pod>("v1", "Pod", name);
  }

  /**
   * Deletes a pod whose name comes back, and gives the new one. kubectl must not wait here: it asks for the pod and then lists
   * by name, and when the new pod appears in between, it waits for the end of that one.
   */
  async replacePod(name: string): Promise<V1Pod> {
    const before = await this.pod(name);
    await this.k.run(["delete", "pod", name, "--wait=false"]);
    return eventually(async () => {
      const after = await this.pod(name).catch(() => undefined);
      return after && after.metadata?.uid !== before.metadata?.uid && after;
    }, `another pod ${name}`);
  }

  claim(name: string): Promise<V1PersistentVolumeClaim> {
    return this.read<V1PersistentVolumeClaim>("v1", "PersistentVolumeClaim", name);
  }

  async claimNames(): Promise<string[]> {
    const claims = await this.list<V1PersistentVolumeClaim>("v1", "PersistentVolumeClaim");
    return claims.map(({ metadata }) => metadata?.name ?? "").sort();
  }

  statefulSet(name: string): Promise<V1StatefulSet> {
    return this.read<V1StatefulSet>("apps/v1", "StatefulSet", name);
  }

  deployment(name: string): Promise<V1Deployment> {
    return this.read<V1Deployment>("apps/v1", "Deployment", name);
  }

  job(name: string): Promise<V1Job> {
    return this.read<V1Job>("batch/v1", "Job", name);
  }

  /** Each condition as `TYPE STATUS REASON`. */
  async conditions(job: string): Promise<string[]> {
    const { status } = await this.job(job);
    return (status?.conditions ?? []).map(({ type, status: word, reason }) => `${type} ${word} ${reason}`);
  }
}
