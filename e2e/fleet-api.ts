import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { AppsV1Api, CoreV1Api, KubeConfig, type V1Deployment } from "@kubernetes/client-node";
import type { APIRequestContext } from "@playwright/test";
import { system } from "./system.ts";

const config = new KubeConfig();
let loaded = false;

function kubeConfig(): KubeConfig {
  if (!loaded) config.loadFromFile(system.kubeconfig);
  loaded = true;
  return config;
}

/** A Deployment of the demo fleet as the cluster has it now. */
export function readDeployment(name: string, namespace = "fleet"): Promise<V1Deployment> {
  return kubeConfig().makeApiClient(AppsV1Api).readNamespacedDeployment({ namespace, name });
}

/** The pods of a service that are not being deleted. */
export async function readPods(name: string, namespace = "fleet") {
  const list = await kubeConfig()
    .makeApiClient(CoreV1Api)
    .listNamespacedPod({ namespace, labelSelector: `app.kubernetes.io/name=${name}` });
  return list.items.filter((pod) => !pod.metadata?.deletionTimestamp);
}

/** Runs kubectl against the system's cluster and returns what it prints. */
export function kubectl(...args: string[]): string {
  return execFileSync("kubectl", ["--kubeconfig", system.kubeconfig, ...args], { encoding: "utf8", timeout: 120_000 });
}

/** Calls an action's route as the page does. */
export function act(request: APIRequestContext, service: string, verb: string, data: object, key: string = randomUUID()) {
  return request.post(`/api/services/fleet/${service}/actions/${verb}`, {
    data,
    headers: { "Idempotency-Key": key, Origin: system.url },
  });
}

/** The service as the API lists it. */
export async function readService(request: APIRequestContext, name: string) {
  const { service } = await (await request.get(`/api/services/fleet/${name}`)).json();
  return service;
}
