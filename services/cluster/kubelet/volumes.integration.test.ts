import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LocalNode, mainStatus, until } from "./test/local-node.ts";

const node = new LocalNode();
const sh = (script: string) => ["sh", "-c", `trap 'exit 0' TERM; ${script}`];
const forever = "while :; do sleep 0.1; done";

beforeAll(() => node.start());
afterAll(() => node.stop());

describe("volumes of a pod", () => {
  it("in memory are in memory, shared by its containers, and gone with it", async () => {
    const mount = [{ name: "fast", mountPath: "/fast" }];
    const pod = await node.createPod("memory", {
      restartPolicy: "Never",
      containers: [
        { command: sh("echo shared > /fast/file; stat -f -c %T /fast; exit 0"), volumeMounts: mount },
        { name: "other", command: sh("until [ -s /fast/file ]; do sleep 0.1; done; exit 0"), volumeMounts: mount },
      ],
      volumes: [{ name: "fast", emptyDir: { medium: "Memory" } }],
    });
    await node.untilPod("memory", ({ status }) => status?.phase === "Succeeded");
    expect(await node.logs("memory")).toBe("tmpfs\n");
    const places = () => readdirSync("/dev/shm").filter((name) => existsSync(join("/dev/shm", name, pod.metadata.uid)));
    expect(places()).toHaveLength(1);
    await node.deletePod("memory");
    await until("the end of the volume", () => places().length === 0);
  });

  it("that hold more than their sizeLimit get their pod evicted", async () => {
    const pod = await node.createPod("overfull", {
      containers: [
        {
          command: sh(`head -c 3000000 /dev/zero > /scratch/file; ${forever}`),
          volumeMounts: [{ name: "scratch", mountPath: "/scratch" }],
        },
      ],
      volumes: [{ name: "scratch", emptyDir: { sizeLimit: "1Mi" } }],
    });
    const evicted = await node.untilPod("overfull", ({ status }) => status?.phase === "Failed", 30_000);
    const message = 'Usage of EmptyDir volume "scratch" exceeds the limit "1Mi". ';
    expect(evicted.status).toMatchObject({ reason: "Evicted", message });
    expect(mainStatus(evicted)?.state.terminated).toBeDefined();
    await node.untilEvent(pod, (event) => event.reason === "Evicted" && event.message === message);
  });

  it("from a claim wait until it is bound, and are the directory that it is bound to", async () => {
    const pod = await node.createPod("claim", {
      restartPolicy: "Never",
      containers: [
        { command: sh("echo kept >> /data/file; cat /data/file; exit 0"), volumeMounts: [{ name: "data", mountPath: "/data" }] },
      ],
      volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }],
    });
    const event = await node.untilEvent(pod, ({ reason }) => reason === "FailedMount");
    expect(event.message).toBe('MountVolume.SetUp failed for volume "data" : persistentvolumeclaim "data" not found');
    await node.create("persistentvolumeclaims", {
      kind: "PersistentVolumeClaim",
      metadata: { name: "data" },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    });
    await node.untilPod("claim", ({ status }) => status?.phase === "Succeeded", 40_000);
    expect(await node.logs("claim")).toBe("kept\n");
  });
});

describe("a pod's end", () => {
  it("comes for its sidecars last, whose preStop still runs", async () => {
    await node.createPod("order", {
      terminationGracePeriodSeconds: 10,
      initContainers: [
        {
          name: "side",
          image: "debian:12",
          restartPolicy: "Always",
          command: ["sh", "-c", `trap 'exit 0' TERM; ${forever}`],
          lifecycle: { preStop: { exec: { command: ["sh", "-c", "echo side stops > /proc/1/fd/1"] } } },
        },
      ],
      containers: [{ command: sh(forever), lifecycle: { preStop: { sleep: { seconds: 1 } } } }],
    });
    const pod = await node.untilReady("order");
    expect(pod.status?.initContainerStatuses?.[0]).toMatchObject({ started: true, ready: true });
    const began = performance.now();
    await node.deletePod("order");
    await node.untilGone("order");
    expect(performance.now() - began).toBeGreaterThan(1_000);
    const reasons: string[] = [];
    await node.untilEvent(pod, ({ reason, message }) => {
      if (reason === "Killing" && !reasons.includes(message)) reasons.push(message);
      return reasons.length === 2;
    });
    expect(reasons.sort()).toEqual(["Stopping container main", "Stopping container side"]);
  });
});
