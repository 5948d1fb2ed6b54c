import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { V1PersistentVolume } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { end, eventually, startKubelet, startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls } from "./kubectl.ts";
import { claim, job, statefulSet } from "./workload-manifests.ts";
import { WorkloadSession } from "./workload-session.ts";

/** Adds its own name to a file of its volume, shows the file, and runs on. */
const scribe = 'hostname >> /data/visits; cat /data/visits; trap "exit 0" TERM; while true; do sleep 0.1 & wait $!; done';

let cluster: TestCluster;
let imagesDir: string;
let kubelet: ChildProcess | undefined;
let on: WorkloadSession;

beforeAll(async () => {
  cluster = await startTestCluster();
  imagesDir = await mkdtemp(join(tmpdir(), "switchyard-images-"));
  await writeFile(
    join(imagesDir, "shell.json"),
    JSON.stringify({ name: "demo/shell", command: ["/bin/sh"], tags: { "1.0.0": {} } }),
  );
  kubelet = startKubelet(cluster, "node-1", imagesDir);
  const [kubectl] = findKubectls();
  if (!kubectl) throw new Error("there is no kubectl on this machine");
  on = await WorkloadSession.open(cluster, kubectl, "stored");
});

afterAll(async () => {
  if (kubelet) await end(kubelet, "SIGTERM");
  await cluster?.stop();
  if (imagesDir) await rm(imagesDir, { recursive: true, force: true });
});

const shell = (script: string, more: object = {}) => ({
  name: "main",
  image: "demo/shell:1.0.0",
  command: ["/bin/sh", "-c", script],
  ...more,
});

async function volumePath(claimName: string): Promise<string> {
  const bound = await on.claim(claimName);
  const volume = await on.read<V1PersistentVolume>("v1", "PersistentVolume", bound.spec?.volumeName ?? "");
  return volume.spec?.hostPath?.path ?? "";
}

describe("a StatefulSet on a real kubelet", () => {
  const volumeClaimTemplates = [
    { metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "16Mi" } } } },
  ];
  const containers = [shell(scribe, { volumeMounts: [{ name: "data", mountPath: "/data" }] })];
  const template = { metadata: { labels: { app: "scribe" } }, spec: { terminationGracePeriodSeconds: 2, containers } };

  it("gives each pod its name as host name and a volume of its own", async () => {
    await on.apply(statefulSet("scribe", { replicas: 2, template, volumeClaimTemplates }));
    await on.rolledOut("sts/scribe");
    await eventually(async () => (await on.k.run(["logs", "scribe-1"])) === "scribe-1\n", "what scribe-1 wrote");
    expect(await on.k.run(["logs", "scribe-0"])).toBe("scribe-0\n");
    expect(await readFile(join(await volumePath("data-scribe-0"), "visits"), "utf8")).toBe("scribe-0\n");
  });

  it("finds its data again when a pod is replaced", async () => {
    await on.replacePod("scribe-0");
    await on.rolledOut("sts/scribe");
    const log = async () => (await on.k.try(["logs", "scribe-0"])).stdout;
    await eventually(async () => (await log()) === "scribe-0\nscribe-0\n", "both visits");
  });

  it("loses its data with the claims, and the directories are gone", async () => {
    const directory = await volumePath("data-scribe-0");
    await on.k.run(["delete", "sts", "scribe"]);
    await eventually(async () => (await on.pods("scribe")).length === 0, "no pods");
    expect(existsSync(directory)).toBe(true);
    await on.k.run(["delete", "pvc", "--all"]);
    await eventually(async () => !existsSync(directory), "the directory is gone");
  });
});

describe("a pod with a claim that is not there", () => {
  it("waits, says why, and starts when the claim is made", async () => {
    const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "late" } }];
    const containers = [shell("cat /data/nothing; true", { volumeMounts: [{ name: "data", mountPath: "/data" }] })];
    await on.apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "early" },
      spec: { restartPolicy: "Never", volumes, containers },
    });
    const says = async () => /FailedMount|FailedScheduling/.test(await on.k.run(["get", "events"]));
    await eventually(says, "the event");
    expect((await on.pod("early")).status?.phase).toBe("Pending");
    await on.apply(claim("late"));
    await eventually(async () => (await on.pod("early")).status?.phase === "Succeeded", "the pod ran", 40_000);
  });
});

describe("a Job on a real kubelet", () => {
  const run = (name: string, script: string, spec: object = {}, pod: object = {}) => {
    const manifest = job(name, spec);
    return on.apply({
      ...manifest,
      spec: { ...spec, template: { spec: { restartPolicy: "Never", containers: [shell(script)], ...pod } } },
    });
  };

  it("hands each pod of an Indexed job its index", async () => {
    await run("shards", "echo shard $JOB_COMPLETION_INDEX", { completionMode: "Indexed", completions: 3, parallelism: 3 });
    await on.k.run(["wait", "--for=condition=complete", "job/shards", "--timeout=30s"]);
    const logs = await on.k.run(["logs", "-l", "job-name=shards"]);
    expect(logs.trim().split("\n").sort()).toEqual(["shard 0", "shard 1", "shard 2"]);
  });

  it("judges a failure by the container's exit code", async () => {
    const podFailurePolicy = { rules: [{ action: "FailJob", onExitCodes: { operator: "In", values: [42] } }] };
    await run("fatal", "exit 42", { podFailurePolicy });
    await on.k.run(["wait", "--for=condition=failed", "job/fatal", "--timeout=30s"]);
    const failed = (await on.job("fatal")).status?.conditions?.find(({ type }) => type === "Failed");
    expect(failed).toMatchObject({ reason: "PodFailurePolicy" });
    expect(failed?.message).toMatch(
      /^Container main for pod stored\/fatal-\S+ failed with exit code 42 matching FailJob rule at index 0$/,
    );
  });

  it("with restartPolicy OnFailure restarts in place, and fails at its backoffLimit", async () => {
    await run("again", "exit 1", { backoffLimit: 1 }, { restartPolicy: "OnFailure" });
    await on.k.run(["wait", "--for=condition=failed", "job/again", "--timeout=40s"]);
    expect(await on.conditions("again")).toContain("Failed True BackoffLimitExceeded");
  });

  it("counts pods that ended while the control plane was away", async () => {
    await run("patient", "sleep 1; echo done");
    await eventually(async () => (await on.job("patient")).status?.active === 1, "the pod is there");
    await cluster.restart("SIGKILL");
    await on.k.run(["wait", "--for=condition=complete", "job/patient", "--timeout=30s"]);
    expect((await on.job("patient")).status).toMatchObject({ succeeded: 1 });
    expect(await on.podsOfJob("patient")).toHaveLength(1);
  });
});
