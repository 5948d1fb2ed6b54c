import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ApiextensionsV1Api, AppsV1Api, CoreV1Api, type KubeConfig, type KubernetesObject } from "@kubernetes/client-node";
import { parseAllDocuments } from "yaml";
import { apply, isNotFound } from "./apply.ts";
import { stampConfiguration } from "./demo-configuration.ts";
import { type DemoSecrets, makeDemoSecrets } from "./demo-secrets.ts";
import { projectDir } from "./env.ts";
import { poll } from "./local-cluster.ts";

/**
 * Puts the demo fleet (deploy/demo/*.yaml) into the local cluster. It is applied once, and again when its files change, so that
 * what an operator did to it (scaled, rolled out, deleted) is still so after a restart.
 */

const folder = join(projectDir, "deploy", "demo");
const appliedAnnotation = "switchyard.dev/demo-applied";

/** What of the demo is wanted, how its Prometheus and Alertmanager reach Switchyard, and where people open it. */
export type DemoOptions = {
  prometheus: boolean;
  alertmanager: boolean;
  nodeExporter: boolean;
  webPort: number;
  controllerPort: number;
  url: string;
  secrets: DemoSecrets;
};

/** Where the demo's files say that people open Switchyard. */
const usualUrl = "http://localhost:3000";

/** Applies the demo. Resolves to whether anything was applied. */
export async function applyDemo(config: KubeConfig, options: DemoOptions): Promise<boolean> {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith(".yaml") && isWanted(file, options))
    .sort()
    .map((file) => readFileSync(join(folder, file), "utf8").replaceAll(usualUrl, options.url));
  const hash = createHash("sha256").update(files.join("\0")).digest("hex").slice(0, 16);
  const isApplied = (await appliedHash(config)) === hash;
  const objects = stampConfiguration(
    files.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject)),
  );
  if (!isApplied) for (const object of objects.filter((entry) => entry.kind === "Namespace")) await apply(config, object);
  await makeDemoSecrets(config, options.secrets);
  if (!isApplied) {
    for (const object of objects.filter((entry) => entry.kind !== "Namespace")) {
      await apply(config, object);
      if (object.kind === "CustomResourceDefinition") await waitUntilServed(config, object.metadata?.name ?? "");
    }
  }
  await pointServiceAtSwitchyard(config, options);
  if (isApplied) return false;
  await apply(config, {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "fleet", annotations: { [appliedAnnotation]: hash } },
  });
  return true;
}

/** How many instances the namespace's workloads want, and how many of these are ready now. */
export async function countInstances(config: KubeConfig, namespace: string): Promise<{ ready: number; desired: number }> {
  const api = config.makeApiClient(AppsV1Api);
  const [deployments, statefulSets] = await Promise.all([
    api.listNamespacedDeployment({ namespace }),
    api.listNamespacedStatefulSet({ namespace }),
  ]);
  const workloads = [...deployments.items, ...statefulSets.items];
  return {
    ready: workloads.reduce((total, { status }) => total + (status?.readyReplicas ?? 0), 0),
    desired: workloads.reduce((total, { spec }) => total + (spec?.replicas ?? 0), 0),
  };
}

/** The URL of a Service's ClusterIP, as the local cluster's proxy serves it. */
export async function serviceUrl(config: KubeConfig, namespace: string, name: string): Promise<string | undefined> {
  const api = config.makeApiClient(CoreV1Api);
  return poll(5_000, async () => {
    const { spec } = await api.readNamespacedService({ namespace, name });
    const port = spec?.ports?.[0]?.port;
    return spec?.clusterIP && port ? `http://${spec.clusterIP}:${port}` : undefined;
  });
}

async function appliedHash(config: KubeConfig): Promise<string | undefined> {
  try {
    const namespace = await config.makeApiClient(CoreV1Api).readNamespace({ name: "fleet" });
    return namespace.metadata?.annotations?.[appliedAnnotation];
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Objects of a kind can be created only once its definition is established. */
async function waitUntilServed(config: KubeConfig, name: string): Promise<void> {
  const api = config.makeApiClient(ApiextensionsV1Api);
  const served = await poll(10_000, async () => {
    const { status } = await api.readCustomResourceDefinition({ name });
    return status?.conditions?.some(({ type, status: value }) => type === "Established" && value === "True") || undefined;
  });
  if (!served) throw new Error(`the cluster does not serve ${name}`);
}

function isWanted(file: string, { prometheus, alertmanager, nodeExporter }: DemoOptions): boolean {
  if (file.includes("prometheus")) return prometheus;
  if (file.includes("alertmanager")) return alertmanager;
  return nodeExporter || !file.includes("node-exporter");
}

async function pointServiceAtSwitchyard(
  config: KubeConfig,
  { webPort, controllerPort }: Pick<DemoOptions, "webPort" | "controllerPort">,
): Promise<void> {
  const ports = [
    { name: "http", port: webPort },
    { name: "metrics", port: controllerPort },
  ];
  await apply(config, {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name: "switchyard", namespace: "monitoring" },
    subsets: [{ addresses: [{ ip: "127.0.0.1" }], ports }],
  } as KubernetesObject);
}
