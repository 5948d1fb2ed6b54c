import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CoreV1Api, V1Pod } from "@kubernetes/client-node";
import { end, eventually, startKubelet, type TestCluster } from "./harness.ts";

/** One node whose pods do nothing, for the cases that need somewhere to run commands. */
export type IdleNode = { stop(): Promise<void> };

export async function startIdleNode(cluster: TestCluster): Promise<IdleNode> {
  const imagesDir = await mkdtemp(join(tmpdir(), "switchyard-images-"));
  const script = "trap 'exit 0' TERM; while true; do sleep 1 & wait $!; done";
  const image = { name: "demo/idle", command: ["/bin/sh", "-c", script], tags: { "1.0.0": {} } };
  await writeFile(join(imagesDir, "idle.json"), JSON.stringify(image));
  const kubelet: ChildProcess = startKubelet(cluster, "node-1", imagesDir);
  return {
    async stop() {
      await end(kubelet, "SIGTERM");
      await rm(imagesDir, { recursive: true, force: true });
    },
  };
}

/** Starts a pod with the containers `main` and `side`, and waits until it is ready. */
export async function startIdlePod(core: CoreV1Api, namespace: string, name: string): Promise<void> {
  const body: V1Pod = {
    metadata: { name },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        { name: "main", image: "demo/idle:1.0.0" },
        { name: "side", image: "demo/idle:1.0.0", env: [{ name: "ROLE", value: "side" }] },
      ],
    },
  };
  await core.createNamespacedPod({ namespace, body });
  const isReady = async () => {
    const { status } = await core.readNamespacedPod({ namespace, name });
    return status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True");
  };
  await eventually(isReady, `${namespace}/${name} is ready`, 60_000);
}
