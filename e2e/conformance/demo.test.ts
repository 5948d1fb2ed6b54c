import { AppsV1Api, CoreV1Api, CustomObjectsApi } from "@kubernetes/client-node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { strategyAnnotation, strategySchema } from "#lib/domain/rollouts/strategy.ts";
import { applyDemo, type DemoOptions } from "#services/launcher/demo.ts";
import { startTestCluster, type TestCluster } from "./harness.ts";

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster();
});
afterAll(() => cluster?.stop());

const options: DemoOptions = {
  prometheus: true,
  alertmanager: true,
  nodeExporter: true,
  webPort: 3999,
  controllerPort: 3998,
  url: "http://localhost:3999",
  secrets: { discoveryToken: "swy_one", alertSecret: "swa_one" },
};

const apps = () => cluster.config.makeApiClient(AppsV1Api);
const core = () => cluster.config.makeApiClient(CoreV1Api);
const relay = () => apps().readNamespacedDeployment({ namespace: "fleet", name: "relay" });
const configuration = async (name: string) => {
  const { spec } = await apps().readNamespacedDeployment({ namespace: "monitoring", name });
  return spec?.template.metadata?.annotations?.["switchyard.dev/configuration"];
};
const alertSecret = async () => {
  const { data } = await core().readNamespacedSecret({ namespace: "monitoring", name: "switchyard-alerts" });
  return Buffer.from(data?.secret ?? "", "base64").toString();
};

it("is applied once: what an operator did to it is still so after a restart", async () => {
  expect(await applyDemo(cluster.config, options)).toBe(true);
  await apps().patchNamespacedDeployment({
    namespace: "fleet",
    name: "relay",
    body: [{ op: "replace", path: "/spec/replicas", value: 5 }],
  });
  expect(await applyDemo(cluster.config, options)).toBe(false);
  expect((await relay()).spec?.replicas).toBe(5);
});

it("links to the runbooks where people open Switchyard, from the services and from the alerts", async () => {
  expect((await relay()).metadata?.annotations).toMatchObject({
    "switchyard.dev/owner": "collaboration",
    "switchyard.dev/runbook": "http://localhost:3999/runbooks/relay",
    "switchyard.dev/depends-on": "postgres, redis, issuer",
  });
  const rules = await core().readNamespacedConfigMap({ namespace: "monitoring", name: "prometheus-rules" });
  expect(rules.data?.["relay.yaml"]).toContain("http://localhost:3999/runbooks/relay#RelayHighLatency");
});

it("has a route to divide the relay's traffic by, and strategies of their own for relay, hub and connector", async () => {
  const of = { group: "networking.istio.io", version: "v1", plural: "virtualservices", namespace: "fleet", name: "relay" };
  const route = await cluster.config.makeApiClient(CustomObjectsApi).getNamespacedCustomObject(of);
  expect(route).toMatchObject({
    spec: { hosts: ["relay"], http: [{ route: [{ destination: { host: "relay" }, weight: 100 }] }] },
  });
  const { items } = await apps().listNamespacedDeployment({ namespace: "fleet" });
  const strategies = items.flatMap(({ metadata }) => {
    const text = metadata?.annotations?.[strategyAnnotation];
    return text === undefined ? [] : [[metadata?.name, strategySchema.parse(JSON.parse(text)).kind]];
  });
  expect(Object.fromEntries(strategies)).toEqual({ relay: "canary", hub: "blue-green", connector: "canary" });
});

it("gives Alertmanager the secret of this start, and both ports of Switchyard", async () => {
  await applyDemo(cluster.config, { ...options, controllerPort: 4998, secrets: { ...options.secrets, alertSecret: "swa_two" } });
  expect(await alertSecret()).toBe("swa_two");
  const { subsets } = await core().readNamespacedEndpoints({ namespace: "monitoring", name: "switchyard" });
  expect(subsets?.flatMap(({ ports }) => ports?.map(({ name, port }) => `${name} ${port}`))).toEqual([
    "http 3999",
    "metrics 4998",
  ]);
});

it("is applied again when it changed, and pods whose configuration changed are replaced", async () => {
  const before = { prometheus: await configuration("prometheus"), alertmanager: await configuration("alertmanager") };
  expect(await applyDemo(cluster.config, { ...options, url: "https://switchyard.example.com" })).toBe(true);
  expect((await relay()).metadata?.annotations?.["switchyard.dev/runbook"]).toBe("https://switchyard.example.com/runbooks/relay");
  expect((await relay()).spec?.replicas).toBe(3);
  expect(before.prometheus).toBeDefined();
  expect(await configuration("prometheus")).not.toBe(before.prometheus);
  expect(await configuration("alertmanager")).toBe(before.alertmanager);
});

it("brings a demo that an older Switchyard left up to date", async () => {
  const deployment = { namespace: "monitoring", name: "prometheus" };
  const { spec } = await apps().readNamespacedDeployment(deployment);
  const volumes = spec?.template.spec?.volumes?.filter(({ name }) => name !== "rules");
  const mounts = spec?.template.spec?.containers[0]?.volumeMounts?.filter(({ name }) => name !== "rules");
  await apps().patchNamespacedDeployment({
    ...deployment,
    body: [
      { op: "replace", path: "/spec/template/spec/volumes", value: volumes },
      { op: "replace", path: "/spec/template/spec/containers/0/volumeMounts", value: mounts },
    ],
  });
  await core().deleteNamespacedConfigMap({ namespace: "monitoring", name: "prometheus-rules" });
  await core().patchNamespace({
    name: "fleet",
    body: [{ op: "replace", path: "/metadata/annotations/switchyard.dev~1demo-applied", value: "0123456789abcdef" }],
  });
  expect(await applyDemo(cluster.config, options)).toBe(true);
  const after = await apps().readNamespacedDeployment(deployment);
  expect(after.spec?.template.spec?.volumes?.map(({ name }) => name)).toContain("rules");
  expect((await core().readNamespacedConfigMap({ namespace: "monitoring", name: "prometheus-rules" })).data).toHaveProperty([
    "relay.yaml",
  ]);
});
