import { readFileSync } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { CoreV1Api, KubeConfig, Watch } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import { type KubeObject, resources } from "./api.ts";
import { type RunningServer, startServer } from "./server.ts";

let dataDir: string;
let server: RunningServer;
let core: CoreV1Api;
const config = new KubeConfig();

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "switchyard-api-"));
  server = await startServer({
    dataDir,
    port: 0,
    namespace: "fleet",
    nodes: ["node-1"],
    logger: createLogger("test", "silent"),
    watchHistory: 10,
    bookmarkMs: 50,
    watchLimitBytes: 64 * 1024,
  });
  config.loadFromFile(server.kubeconfigPath);
  core = config.makeApiClient(CoreV1Api);
});

afterAll(async () => {
  await server?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

describe("the data directory", () => {
  it("keeps secrets to their owner", async () => {
    for (const file of [
      "admin.kubeconfig",
      "kubelet.token",
      "pki/ca.key",
      "pki/kubelet-node-1.key",
      "kubelet-node-1.kubeconfig",
      "proxy.kubeconfig",
    ]) {
      expect((await stat(join(dataDir, file))).mode & 0o777).toBe(0o600);
    }
  });

  it("names the wanted namespace in the kubeconfig", () => {
    expect(config.getContextObject("switchyard")?.namespace).toBe("fleet");
  });
});

describe("the audit log", () => {
  it("tells of the server's own first writes", async () => {
    const events = () =>
      readFileSync(join(dataDir, "audit.log"), "utf8")
        .split("\n")
        .filter((line) => line.includes("system:apiserver"));
    for (const name of ["kube-system", "standard", "cluster-admin"]) {
      await expect.poll(events).toContainEqual(expect.stringMatching(`"verb":"create".*"name":"${name}"`));
    }
  });
});

describe("watches", () => {
  it("get bookmarks, and 410 once the window of changes has moved on", async () => {
    const first = await core.createNamespacedConfigMap({ namespace: "default", body: { metadata: { name: "moving" } } });
    for (let index = 0; index < 60; index += 1) {
      await core.patchNamespacedConfigMap({
        name: "moving",
        namespace: "default",
        body: [{ op: "add", path: "/data", value: { n: String(index) } }],
      });
    }
    const path = "/api/v1/namespaces/default/configmaps";
    const gone = await new Promise<{ type: string; code: number }>((resolve, reject) => {
      void new Watch(config)
        .watch(
          path,
          { resourceVersion: first.metadata?.resourceVersion },
          (type, object) => resolve({ type, code: object.code }),
          reject,
        )
        .catch(reject);
    });
    expect(gone).toEqual({ type: "ERROR", code: 410 });
    const bookmark = await new Promise<string>((resolve, reject) => {
      void new Watch(config)
        .watch(
          path,
          { allowWatchBookmarks: true },
          (type) => type === "BOOKMARK" && resolve(type),
          () => {},
        )
        .then((controller) => setTimeout(() => controller.abort(), 5_000).unref(), reject);
    });
    expect(bookmark).toBe("BOOKMARK");
  });

  it("cut a client off that does not read, and serve the others on", async () => {
    const { port } = new URL(server.address);
    const socket = connect({ host: "127.0.0.1", port: Number(port), ca: readFileSync(join(dataDir, "pki", "ca.crt")) });
    const token = config.getCurrentUser()?.token;
    await new Promise((resolve) => socket.once("secureConnect", resolve));
    socket.pause();
    socket.write(`GET /api/v1/configmaps?watch=true HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n\r\n`);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {});
    const body = { metadata: { name: "bulky" }, data: { a: "x".repeat(200_000) } };
    await core.createNamespacedConfigMap({ namespace: "default", body });
    for (let index = 0; index < 60; index += 1) {
      await core.patchNamespacedConfigMap({
        name: "bulky",
        namespace: "default",
        body: [{ op: "add", path: "/data/n", value: String(index) }],
      });
    }
    socket.resume();
    await closed;
    expect((await core.readNamespacedConfigMap({ name: "bulky", namespace: "default" })).data?.n).toBe("59");
  });
});

describe("paths", () => {
  const ask = (path: string, method = "GET", body?: object) => {
    const ca = readFileSync(join(dataDir, "pki", "ca.crt"));
    const token = readFileSync(join(dataDir, "pki", "admin.token"), "utf8").trim();
    const content = body ? JSON.stringify(body) : "";
    const authorization = `Bearer ${token}`;
    const headers = { authorization, "content-type": "application/json", "content-length": content.length };
    return new Promise<number | undefined>((resolve, reject) => {
      const call = request(`${server.address}${path}`, { method, agent: false, ca, headers }, (answer) => {
        answer.resume().on("end", () => resolve(answer.statusCode));
      });
      call.on("error", reject).end(content);
    });
  };

  it.each([
    "/api/v1/namespaces/default/pods//status",
    "/api/v1/namespaces//status",
    "/apis/metrics.k8s.io/v1beta1/namespaces//pods",
    "//api/v1/pods",
  ])("with an empty segment lead nowhere: %s", async (path) => {
    expect(await ask(path)).toBe(404);
    expect(await ask(path, "DELETE")).toBe(404);
  });

  it("of a whole kind are for reading alone", async () => {
    for (const path of ["/api/v1/configmaps", "/apis/apps/v1/deployments"]) {
      expect(await ask(path)).toBe(200);
      expect(await ask(path, "DELETE")).toBe(405);
      expect(await ask(path, "POST", {})).toBe(405);
    }
  });

  it("that want a tunnel while an earlier request is unanswered end the connection, and the server goes on", async () => {
    const { hostname, port } = new URL(server.address);
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
    const closed = new Promise((resolve) => socket.on("error", () => {}).on("close", resolve));
    const exec = "GET /api/v1/namespaces/default/pods/a/exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket";
    socket.resume().write(`GET /api/v1/pods HTTP/1.1\r\nHost: x\r\n\r\n${exec}\r\n\r\n`);
    await closed;
    expect(await ask("/api/v1/namespaces")).toBe(200);
  });

  it("of all namespaces let none of them be deleted", async () => {
    expect(await ask("/api/v1/namespaces", "DELETE")).toBe(405);
  });

  it("of an object that is to be deleted take All for a dry run, and nothing like it", async () => {
    const path = "/api/v1/namespaces/default/configmaps/kept";
    await core.createNamespacedConfigMap({ namespace: "default", body: { metadata: { name: "kept" } } });
    expect(await ask(path, "DELETE", { dryRun: ["all"] })).toBe(422);
    expect(await ask(path, "DELETE", { dryRun: ["All"] })).toBe(200);
    expect(await ask(path, "DELETE")).toBe(200);
    expect(await ask(path)).toBe(404);
  });
});

describe("pods", () => {
  type Pod = KubeObject & { spec: { nodeName?: string } };
  const pod = (name: string, nodeName?: string) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default" },
    spec: { containers: [{ name: "main", image: "x:1" }], ...(nodeName ? { nodeName } : {}) },
  });

  it("go at once without a node, and wait for their kubelet with one", async () => {
    await server.registry.create(resources.pods, pod("free"));
    await server.registry.delete(resources.pods, "default", "free");
    expect(server.registry.get(resources.pods, "default", "free")).toBeUndefined();

    await server.registry.create(resources.pods, pod("bound", "node-1"));
    await server.registry.delete(resources.pods, "default", "bound", { gracePeriodSeconds: 20 });
    expect(server.registry.get(resources.pods, "default", "bound")?.metadata.deletionGracePeriodSeconds).toBe(20);
    await server.registry.delete(resources.pods, "default", "bound", { gracePeriodSeconds: 5 });
    expect(server.registry.get(resources.pods, "default", "bound")?.metadata.deletionGracePeriodSeconds).toBe(5);
    await server.registry.delete(resources.pods, "default", "bound", { gracePeriodSeconds: 0 });
    expect(server.registry.get(resources.pods, "default", "bound")).toBeUndefined();
  });

  it("are bound once", async () => {
    await server.registry.create(resources.pods, pod("placed"));
    const body = { metadata: { name: "placed" }, target: { kind: "Node", name: "node-1" } };
    await core.createNamespacedPodBinding({ name: "placed", namespace: "default", body });
    expect(server.registry.get<Pod>(resources.pods, "default", "placed")?.spec.nodeName).toBe("node-1");
    await expect(core.createNamespacedPodBinding({ name: "placed", namespace: "default", body })).rejects.toMatchObject({
      code: 409,
    });
    await core.createNamespacedPodEviction({ name: "placed", namespace: "default", body: { metadata: { name: "placed" } } });
    expect(server.registry.get(resources.pods, "default", "placed")?.metadata.deletionTimestamp).toBeDefined();
  });

  it("have their logs passed on from the kubelet, with the query and the kubelet's token", async () => {
    const seen: { url?: string; authorization?: string }[] = [];
    const options = {
      cert: readFileSync(join(dataDir, "pki", "kubelet-node-1.crt")),
      key: readFileSync(join(dataDir, "pki", "kubelet-node-1.key")),
    };
    const kubelet = createServer(options, (request, response) => {
      seen.push({ url: request.url, authorization: request.headers.authorization });
      if (request.url?.includes("previous=true")) response.writeHead(400).end("previous terminated container not found");
      else response.end("one line\n");
    });
    await new Promise<void>((resolve) => kubelet.listen(0, "127.10.0.1", resolve));
    const { port } = kubelet.address() as AddressInfo;
    await server.registry.create(resources.nodes, {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "node-1" },
      status: {
        addresses: [{ type: "InternalIP", address: "127.10.0.1" }],
        daemonEndpoints: { kubeletEndpoint: { Port: port } },
      },
    });
    await server.registry.create(resources.pods, pod("talkative", "node-1"));
    const target = { name: "talkative", namespace: "default" };
    expect(await core.readNamespacedPodLog({ ...target, tailLines: 5, timestamps: true })).toBe("one line\n");
    expect(seen[0]?.url).toBe("/containerLogs/default/talkative/main?tailLines=5&timestamps=true");
    expect(seen[0]?.authorization).toBe(`Bearer ${readFileSync(join(dataDir, "kubelet.token"), "utf8")}`);
    await expect(core.readNamespacedPodLog({ ...target, previous: true })).rejects.toMatchObject({
      code: 400,
      body: expect.stringContaining("previous terminated container not found"),
    });
    await new Promise((resolve) => kubelet.close(resolve));
  });
});
