import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { V1Pod, V1PodList } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { end, eventually, startKubelet, startTestCluster, type TestCluster, testNetwork } from "./harness.ts";
import { findKubectls, type Kubectl, KubectlSession } from "./kubectl.ts";

/** Prints a line every tenth of a second and ends at SIGTERM; `CRASH_AFTER` makes it fail by itself. */
const script = `
trap 'echo stopping; exit 0' TERM
echo "version $VERSION on $NODE at $POD_IP"
n=0
while true; do
  n=$((n+1)); echo "line $n"
  if [ -n "$CRASH_AFTER" ] && [ "$n" -ge "$CRASH_AFTER" ]; then echo "giving up"; exit 3; fi
  sleep 0.1 & wait $!
done
`;

let cluster: TestCluster;
let imagesDir: string;
const kubelets: ChildProcess[] = [];

beforeAll(async () => {
  cluster = await startTestCluster();
  imagesDir = await mkdtemp(join(tmpdir(), "switchyard-images-"));
  const image = {
    name: "demo/ticker",
    command: ["/bin/sh", "-c", script],
    tags: { "1.0.0": { env: { VERSION: "1.0.0" } }, "2.0.0": { env: { VERSION: "2.0.0" } } },
  };
  await writeFile(join(imagesDir, "ticker.json"), JSON.stringify(image));
  kubelets.push(startKubelet(cluster, "node-1", imagesDir), startKubelet(cluster, "node-2", imagesDir));
});

afterAll(async () => {
  await Promise.all(kubelets.map((kubelet) => end(kubelet, "SIGTERM")));
  await cluster?.stop();
  if (imagesDir) await rm(imagesDir, { recursive: true, force: true });
});

function manifest(name: string, { image = "demo/ticker:1.0.0", replicas = 2, crashAfter = "" } = {}): string {
  const fieldRef = (fieldPath: string) => ({ valueFrom: { fieldRef: { fieldPath } } });
  const env = [
    { name: "CRASH_AFTER", value: crashAfter },
    { name: "NODE", ...fieldRef("spec.nodeName") },
    { name: "POD_IP", ...fieldRef("status.podIP") },
  ];
  return JSON.stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { terminationGracePeriodSeconds: 5, containers: [{ name: "main", image, env }] },
      },
    },
  });
}

/** The first processes of the containers that have one of the pods' addresses; those that they start come and go. */
function containerProcesses(addresses: string[]): number[] {
  const parents = new Map<number, number>();
  for (const pid of readdirSync("/proc").map(Number).filter(Number.isInteger)) {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
      if (!addresses.some((address) => environment.includes(`POD_IP=${address}`))) continue;
      const [, parent] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
      parents.set(pid, Number(parent));
    } catch {
      // It ended meanwhile.
    }
  }
  return [...parents].filter(([, parent]) => !parents.has(parent)).map(([pid]) => pid);
}

describe.each(findKubectls())("kubectl $version with running pods", (kubectl: Kubectl) => {
  const namespace = `running-${kubectl.minor}`;
  let k: KubectlSession;
  const podsOf = async (app: string) => (await k.json<V1PodList>(["get", "pods", "-l", `app=${app}`])).items;
  const firstPod = async (app: string) => (await podsOf(app))[0]?.metadata?.name ?? "";

  beforeAll(async () => {
    k = new KubectlSession(kubectl, cluster.kubeconfigPath, namespace);
    await k.run(["create", "namespace", namespace]);
    const areReady = async () => (await k.run(["get", "nodes", "--no-headers"])).match(/\sReady\s/g)?.length === 2;
    await eventually(areReady, "both nodes are ready", 60_000);
  });

  it("rolls a deployment out, one address for each pod", async () => {
    await k.run(["apply", "-f", "-"], manifest("ticker"));
    await k.run(["rollout", "status", "deploy/ticker", "--timeout=40s"]);
    const pods = await podsOf("ticker");
    expect(new Set(pods.map(({ status }) => status?.podIP)).size).toBe(2);
    for (const { status } of pods) expect(status?.podIP).toMatch(new RegExp(`^${testNetwork}\\.(10|20)\\.\\d+$`));
    expect(await k.run(["get", "pods", "-l", "app=ticker", "--no-headers"])).toMatch(/^ticker-\S+\s+1\/1\s+Running\s+0\s/m);
  });

  it("shows logs, the last lines of them, and time stamps", async () => {
    const pod = await firstPod("ticker");
    await eventually(async () => (await k.run(["logs", pod])).includes("line 3"), "three lines");
    expect(await k.run(["logs", pod])).toMatch(/^version 1\.0\.0 on node-[12] at 127\.\d+\.\d+\.\d+\nline 1\nline 2\n/);
    expect((await k.run(["logs", pod, "--tail=2"])).trim().split("\n")).toHaveLength(2);
    expect(await k.run(["logs", pod, "--timestamps", "--tail=1"])).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z line \d+\n$/);
    expect(await k.run(["logs", "-l", "app=ticker", "--tail=1"])).toMatch(/^line \d+\nline \d+\n$/);
  });

  it("follows logs", async () => {
    const follow = k.follow(["logs", "-f", "--tail=1", await firstPod("ticker")]);
    try {
      await eventually(async () => follow.lines.length >= 5, "five more lines");
      const numbers = follow.lines.map((line) => Number(line.replace("line ", "")));
      expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    } finally {
      follow.stop();
    }
  });

  it("describes what the kubelet did", async () => {
    const output = await k.run(["describe", "pod", await firstPod("ticker")]);
    for (const reason of ["Scheduled", "Pulled", "Created", "Started"])
      expect(output).toMatch(new RegExp(`Normal\\s+${reason}\\s`));
    expect(output).toMatch(/Ready\s+True/);
  });

  it("keeps pods running while the API server is away, the same processes, none restarted and none twice", async () => {
    const state = async () => {
      const pods = await podsOf("ticker");
      const addresses = pods.map(({ status }) => status?.podIP ?? "");
      const containers = pods.map(({ metadata, status }) => {
        const [container] = status?.containerStatuses ?? [];
        const startedAt = container?.state?.running?.startedAt;
        return { uid: metadata?.uid, id: container?.containerID, restarts: container?.restartCount, startedAt };
      });
      return { containers, processes: containerProcesses(addresses) };
    };
    const before = await state();
    expect(before.processes).toHaveLength(2);
    await cluster.restart("SIGKILL");
    await k.run(["rollout", "status", "deploy/ticker", "--timeout=40s"]);
    expect(await state()).toEqual(before);
    expect(before.containers.map(({ restarts }) => restarts)).toEqual([0, 0]);
  });

  it("rolls forward and back", async () => {
    await k.run(["set", "image", "deploy/ticker", "main=demo/ticker:2.0.0"]);
    await k.run(["rollout", "status", "deploy/ticker", "--timeout=40s"]);
    const isNew = async () => (await k.run(["logs", await firstPod("ticker")])).startsWith("version 2.0.0");
    await eventually(isNew, "the new version runs");
    await k.run(["rollout", "undo", "deploy/ticker"]);
    await k.run(["rollout", "status", "deploy/ticker", "--timeout=40s"]);
    const isOld = async () => (await k.run(["logs", await firstPod("ticker")])).startsWith("version 1.0.0");
    await eventually(isOld, "the old version runs again");
  });

  it("names an image that does not exist", async () => {
    await k.run(["set", "image", "deploy/ticker", "main=demo/ticker:9.9.9"]);
    const isNamed = async () =>
      /\s0\/1\s+(ErrImagePull|ImagePullBackOff)\s/.test(await k.run(["get", "pods", "-l", "app=ticker", "--no-headers"]));
    await eventually(isNamed, "ErrImagePull or ImagePullBackOff");
    expect(await k.run(["get", "events", "--field-selector", "type=Warning"])).toMatch(
      /Failed\s+pod\/ticker-\S+\s+Failed to pull image "demo\/ticker:9\.9\.9"/,
    );
    await k.run(["rollout", "undo", "deploy/ticker"]);
    await k.run(["rollout", "status", "deploy/ticker", "--timeout=40s"]);
  });

  it("restarts a container that fails, backs off, and keeps the log of the one before", async () => {
    await k.run(["apply", "-f", "-"], manifest("crasher", { replicas: 1, crashAfter: "3" }));
    const pod = await eventually(async () => (await firstPod("crasher")) || undefined, "the pod");
    const hasRestarted = async () =>
      ((await k.json<V1Pod>(["get", "pod", pod])).status?.containerStatuses?.[0]?.restartCount ?? 0) >= 1;
    await eventually(hasRestarted, "a restart", 40_000);
    expect(await k.run(["logs", pod, "--previous"])).toMatch(/line 3\ngiving up\n$/);
    const isBackingOff = async () => /CrashLoopBackOff/.test(await k.run(["get", "pod", pod, "--no-headers"]));
    await eventually(isBackingOff, "CrashLoopBackOff", 40_000);
    expect(await k.run(["describe", "pod", pod])).toMatch(/Exit Code:\s+3/);
    await k.run(["delete", "deploy", "crasher"]);
  });

  it("lets a pod end before it is gone", async () => {
    const pod = await firstPod("ticker");
    const follow = k.follow(["logs", "-f", pod]);
    await eventually(async () => follow.lines.length > 0, "the log is open");
    await k.run(["delete", "pod", pod]);
    await eventually(async () => follow.lines.includes("stopping"), "the process had its signal");
    follow.stop();
    expect(await k.refusal(["get", "pod", pod])).toContain("NotFound");
    await k.run(["rollout", "status", "deploy/ticker", "--timeout=40s"]);
  });

  it("ends everything with the namespace", async () => {
    await k.run(["delete", "namespace", namespace, "--timeout=60s"]);
    expect(await k.refusal(["get", "namespace", namespace])).toContain("NotFound");
  });
});
