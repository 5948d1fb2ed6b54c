import { describe, expect, it } from "vitest";
import { buildEnvironment, type EnvironmentSources, expand, type Lookup, serviceEnvironment } from "./environment.ts";
import type { Container, Pod } from "./pod.ts";
import { formatResource, qosClass } from "./resources.ts";

const pod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "relay-1", namespace: "fleet", uid: "u-1", resourceVersion: "1", labels: { app: "relay", "x.dev/y": "z" } },
  spec: { nodeName: "node-1", containers: [] },
};

const data: Record<string, Record<string, string>> = {
  "configmap/settings": { LEVEL: "debug" },
  "secret/keys": { token: "s3cret" },
};
const lookup: Lookup = async (kind, name) => {
  const found = data[`${kind}/${name}`];
  return found && Object.fromEntries(Object.entries(found).map(([key, value]) => [key, Buffer.from(value)]));
};

function build(container: Partial<Container>, sources: Partial<EnvironmentSources> = {}) {
  return buildEnvironment(
    { name: "main", image: "x", ...container },
    {
      pod,
      network: { podIP: "127.10.10.2", hostIP: "127.10.0.1" },
      imageEnv: {},
      serviceEnv: {},
      capacity: { cpu: "4", memory: "8Gi" },
      lookup,
      ...sources,
    },
  );
}

const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });

describe("a container's environment", () => {
  it("gives the downward API's fields", async () => {
    const env = await build({
      env: [
        field("IP", "status.podIP"),
        field("HOST", "status.hostIP"),
        field("NODE", "spec.nodeName"),
        field("Y", "metadata.labels['x.dev/y']"),
      ],
    });
    expect(env).toMatchObject({ IP: "127.10.10.2", HOST: "127.10.0.1", NODE: "node-1", Y: "z", HOSTNAME: "relay-1" });
  });

  it("expands only variables that came before", async () => {
    const env = await build({
      env: [
        { name: "A", value: "1" },
        { name: "B", value: "$(A)-$(C)" },
        { name: "C", value: "3" },
      ],
    });
    expect(env.B).toBe("1-$(C)");
  });

  it("lets the pod's variables win over envFrom, the services' and the image's", async () => {
    const env = await build(
      { envFrom: [{ prefix: "P_", configMapRef: { name: "settings" } }], env: [{ name: "PATH", value: "/mine" }] },
      { imageEnv: { PATH: "/image", P_LEVEL: "image" } },
    );
    expect(env).toMatchObject({ PATH: "/mine", P_LEVEL: "debug" });
  });

  it("names a missing ConfigMap, Secret and key as Kubernetes does", async () => {
    const ref = (name: string, key: string) => ({ env: [{ name: "X", valueFrom: { secretKeyRef: { name, key } } }] });
    await expect(build(ref("nothing", "a"))).rejects.toThrow('secret "nothing" not found');
    await expect(build(ref("keys", "a"))).rejects.toThrow("couldn't find key a in Secret fleet/keys");
    await expect(build({ envFrom: [{ configMapRef: { name: "gone" } }] })).rejects.toThrow('configmap "gone" not found');
  });

  it("leaves out what is optional and missing", async () => {
    const env = await build({
      env: [{ name: "X", valueFrom: { secretKeyRef: { name: "nothing", key: "a", optional: true } } }],
      envFrom: [{ secretRef: { name: "gone", optional: true } }],
    });
    expect(env).not.toHaveProperty("X");
  });
});

it.each([
  ["$(A)", "1"],
  ["$$(A)", "$(A)"],
  ["$(MISSING) $A", "$(MISSING) $A"],
  ["$$$(A)", "$1"],
])("expands %s to %s", (text, expected) => {
  expect(expand(text, { A: "1" })).toBe(expected);
});

describe("service variables", () => {
  const services = [
    {
      metadata: { name: "relay-db", namespace: "fleet" },
      spec: { clusterIP: "127.11.0.9", ports: [{ name: "pg", port: 5432 }] },
    },
    { metadata: { name: "other", namespace: "else" }, spec: { clusterIP: "127.11.0.8", ports: [{ port: 80 }] } },
    { metadata: { name: "headless", namespace: "fleet" }, spec: { clusterIP: "None", ports: [{ port: 80 }] } },
    {
      metadata: { name: "kubernetes", namespace: "default" },
      spec: { clusterIP: "127.11.0.1", ports: [{ name: "https", port: 443 }] },
    },
  ];

  it("are given for the pod's namespace and for the API", () => {
    const env = serviceEnvironment(services, "fleet", true);
    expect(env).toMatchObject({
      RELAY_DB_SERVICE_HOST: "127.11.0.9",
      RELAY_DB_SERVICE_PORT: "5432",
      RELAY_DB_SERVICE_PORT_PG: "5432",
      RELAY_DB_PORT_5432_TCP_ADDR: "127.11.0.9",
      KUBERNETES_SERVICE_HOST: "127.11.0.1",
    });
    expect(Object.keys(env).filter((name) => /^(OTHER|HEADLESS)/.test(name))).toEqual([]);
  });

  it("are only the API's when service links are off", () => {
    expect(Object.keys(serviceEnvironment(services, "fleet", false)).every((name) => name.startsWith("KUBERNETES_"))).toBe(true);
  });
});

describe("resource fields", () => {
  const container: Container = { name: "c", image: "x", resources: { limits: { cpu: "1500m", memory: "1Gi" } } };
  const capacity = { cpu: "4", memory: "8Gi" };

  it.each([
    ["limits.cpu", undefined, "2"],
    ["limits.cpu", "1m", "1500"],
    ["limits.memory", "1Mi", "1024"],
    ["requests.memory", undefined, "1073741824"],
  ])("%s in units of %s is %s", (resource, divisor, expected) => {
    expect(formatResource(container, resource, divisor, capacity)).toBe(expected);
  });

  it("fall back to the node's capacity for a missing limit", () => {
    expect(formatResource({ name: "c", image: "x" }, "limits.cpu", "1", capacity)).toBe("4");
  });

  it("decide the quality of service class", () => {
    expect(qosClass([{ name: "c", image: "x" }])).toBe("BestEffort");
    expect(qosClass([container])).toBe("Guaranteed");
    expect(qosClass([container, { name: "d", image: "x" }])).toBe("Burstable");
  });
});
