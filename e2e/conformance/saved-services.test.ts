import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PartSource } from "#lib/domain/recovery/archive/pack.ts";
import { logsFactsSchema, logsPart } from "#lib/domain/recovery/sources/logs.ts";
import { objectsPart } from "#lib/domain/recovery/sources/objects.ts";
import { serviceWithAll } from "#lib/domain/recovery/sources/test-objects.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { connectKubernetes } from "#lib/kubernetes/connection.ts";
import { CertificateAuthority } from "#lib/runtime/certificates.ts";
import { end, eventually, startKubelet, startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls, KubectlSession } from "./kubectl.ts";

/** What a backup holds of a service can be used with kubectl alone, without Switchyard. */

let cluster: TestCluster;
let kubernetes: KubernetesClient;
let imagesDir: string;
let kubelet: ChildProcess;

beforeAll(async () => {
  cluster = await startTestCluster();
  kubernetes = connectKubernetes({ kubeconfig: cluster.kubeconfigPath, inCluster: false });
  imagesDir = await mkdtemp(join(tmpdir(), "switchyard-images-"));
  const script = "echo saved line one; echo saved line two; if [ -e /tmp/ran ]; then exec sleep 1000; fi; touch /tmp/ran; exit 3";
  const image = { name: "demo/talker", command: ["/bin/sh", "-c", script], tags: { "1.0.0": {} } };
  await writeFile(join(imagesDir, "talker.json"), JSON.stringify(image));
  kubelet = startKubelet(cluster, "node-1", imagesDir);
});

afterAll(async () => {
  kubernetes?.close();
  if (kubelet) await end(kubelet, "SIGTERM");
  await cluster?.stop();
  if (imagesDir) await rm(imagesDir, { recursive: true, force: true });
});

async function read(source: PartSource): Promise<{ files: Map<string, string>; facts: unknown }> {
  const signal = AbortSignal.timeout(60_000);
  const part = await source.open(signal);
  const files = new Map<string, string>();
  for await (const file of part.files) {
    const pieces: Uint8Array[] = [];
    for await (const piece of file.open(signal)) pieces.push(piece);
    files.set(file.name, Buffer.concat(pieces).toString());
  }
  const facts = await part.facts();
  await part.close();
  return { files, facts };
}

for (const kubectl of findKubectls()) {
  describe(`the objects of a backup with kubectl ${kubectl.version}`, () => {
    const namespace = `saved-${kubectl.minor}`;

    it("are applied again after all of them were lost, and are what they were", async () => {
      const { authority } = await CertificateAuthority.create("Test");
      const certificate = await authority.issue({ commonName: "relay", dnsNames: ["relay"], addresses: [] });
      const session = new KubectlSession(kubectl, cluster.kubeconfigPath, namespace);
      const elsewhere = new KubectlSession(kubectl, cluster.kubeconfigPath, "default");
      await session.run(["apply", "-f", "-"], serviceWithAll(namespace, certificate));
      const subject = { kind: "service", ref: { namespace, name: "relay" } } as const;
      const saved = await read(objectsPart({ kubernetes }, subject));
      expect(saved.files.size).toBe(11);
      await elsewhere.run(["delete", "namespace", namespace]);
      await elsewhere.run(["create", "namespace", namespace]);

      const applied = await session.run(["apply", "-f", "-"], [...saved.files.values()].join("\n---\n"));
      expect(
        applied
          .trim()
          .split("\n")
          .filter((line) => line.endsWith("created")),
      ).toHaveLength(11);
      const again = await read(objectsPart({ kubernetes }, subject));
      const withoutSecrets = ({ files }: typeof saved) => [...files].filter(([name]) => !name.startsWith("secret/"));
      expect(withoutSecrets(again)).toEqual(withoutSecrets(saved));
      const wordsOf = ({ files }: typeof saved) => files.get("secret/relay-tls.yaml")?.split("\n").slice(1);
      expect(wordsOf(again)).toEqual(wordsOf(saved));
    });
  });
}

describe("the logs of a backup", () => {
  it("are those of every instance, with those of the run before the last restart", async () => {
    await kubernetes.create("/apis/apps/v1/namespaces/default/deployments", {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "talker", namespace: "default" },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: "talker" } },
        template: {
          metadata: { labels: { app: "talker" } },
          spec: {
            containers: [{ name: "talker", image: "demo/talker:1.0.0", volumeMounts: [{ name: "tmp", mountPath: "/tmp" }] }],
            volumes: [{ name: "tmp", emptyDir: {} }],
          },
        },
      },
    });
    const subject = { kind: "service", ref: { namespace: "default", name: "talker" } } as const;
    const { files, facts } = await eventually(async () => {
      const saved = await read(logsPart({ kubernetes }, subject, 1));
      const { logs } = logsFactsSchema.parse(saved.facts);
      const isWhole = logs.length === 4 && [...saved.files.values()].every((text) => text.includes("two"));
      return isWhole && { files: saved.files, facts: logs };
    }, "both pods have restarted, and their logs are saved");
    expect(facts.map(({ previous }) => previous).toSorted()).toEqual([false, false, true, true]);
    for (const text of files.values()) expect(text).toMatch(/^\d{4}-\S+Z saved line one\n\d{4}-\S+Z saved line two\n$/);
    for (const { pod, previous, bytes } of facts) {
      expect(files.get(`${pod}/talker${previous ? ".previous" : ""}.log`)?.length).toBe(bytes);
    }
  });
});
