import { CoreV1Api, type KubeConfig, makeInformer, type V1Pod } from "@kubernetes/client-node";

/**
 * Plays a node for the cases that are about the API and the controllers: registers it, reports pods that are bound to it as
 * running and ready, and lets deleted ones go. Images whose tag is `broken` never start; those tagged `exit-N` end with N.
 */
export class StandInKubelet {
  readonly #core: CoreV1Api;
  readonly #config: KubeConfig;
  readonly #node: string;
  readonly #heartbeat: NodeJS.Timeout;
  #stopInformer: (() => Promise<void>) | undefined;

  private constructor(config: KubeConfig, node: string) {
    this.#config = config;
    this.#core = config.makeApiClient(CoreV1Api);
    this.#node = node;
    this.#heartbeat = setInterval(() => void this.#report().catch(() => {}), 5_000);
  }

  static async start(config: KubeConfig, node = "node-1"): Promise<StandInKubelet> {
    const kubelet = new StandInKubelet(config, node);
    await kubelet.#core.createNode({
      body: { metadata: { name: node, labels: { "kubernetes.io/hostname": node } }, status: kubelet.#status() },
    });
    await kubelet.#follow();
    return kubelet;
  }

  async stop(): Promise<void> {
    clearInterval(this.#heartbeat);
    await this.#stopInformer?.();
  }

  async #follow(): Promise<void> {
    const list = () => this.#core.listPodForAllNamespaces();
    const informer = makeInformer(this.#config, "/api/v1/pods", list);
    const take = (pod: V1Pod) => void this.#take(pod).catch(() => {});
    informer.on("add", take);
    informer.on("update", take);
    informer.on("error", () => void setTimeout(() => void informer.start().catch(() => {}), 200));
    await informer.start();
    this.#stopInformer = () => informer.stop();
  }

  async #take({ metadata, spec, status }: V1Pod): Promise<void> {
    const { name = "", namespace = "" } = metadata ?? {};
    if (spec?.nodeName !== this.#node) return;
    if (metadata?.deletionTimestamp) {
      await this.#core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 });
      return;
    }
    if (status?.phase === "Running" || status?.containerStatuses) return;
    const exit = spec.containers.map(({ image }) => /:exit-(\d+)$/.exec(image ?? "")?.[1]).find((code) => code !== undefined);
    const isBroken = spec.containers.some(({ image }) => image?.endsWith(":broken"));
    const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
    const containerStatuses = spec.containers.map((container) => ({
      name: container.name,
      image: container.image,
      imageID: "",
      ready: !isBroken && !exit,
      started: !isBroken,
      restartCount: 0,
      state: exit
        ? { terminated: ended(Number(exit), now) }
        : isBroken
          ? { waiting: { reason: "ImagePullBackOff" } }
          : { running: { startedAt: now } },
    }));
    const word = isBroken || exit ? "False" : "True";
    const conditions = ["Initialized", "ContainersReady", "Ready"].map((type) => ({
      type,
      status: type === "Initialized" ? "True" : word,
      lastTransitionTime: now,
    }));
    const patch = {
      status: {
        phase: exit ? (exit === "0" ? "Succeeded" : "Failed") : isBroken ? "Pending" : "Running",
        startTime: now,
        hostIP: "127.10.0.1",
        podIP: "127.10.10.2",
        podIPs: [{ ip: "127.10.10.2" }],
        conditions: [...(status?.conditions ?? []).filter((one) => one.type === "PodScheduled"), ...conditions],
        containerStatuses,
      },
    };
    await this.#core.patchNamespacedPodStatus({
      name,
      namespace,
      body: Object.entries(patch.status).map(([key, value]) => ({ op: "add", path: `/status/${key}`, value })),
    });
  }

  async #report(): Promise<void> {
    const node = await this.#core.readNode({ name: this.#node });
    await this.#core.replaceNodeStatus({ name: this.#node, body: { ...node, status: this.#status() } });
  }

  #status() {
    const now = new Date();
    return {
      capacity: { cpu: "4", memory: "8Gi", pods: "110" },
      allocatable: { cpu: "4", memory: "8Gi", pods: "110" },
      addresses: [{ type: "InternalIP", address: "127.10.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      conditions: [{ type: "Ready", status: "True", reason: "KubeletReady", lastHeartbeatTime: now, lastTransitionTime: now }],
    };
  }
}

function ended(exitCode: number, time: string) {
  return { exitCode, reason: exitCode === 0 ? "Completed" : "Error", startedAt: time, finishedAt: time };
}
