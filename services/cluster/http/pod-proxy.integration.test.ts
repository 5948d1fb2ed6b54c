import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import { resources } from "../api.ts";
import { networkOf } from "../network.ts";
import { type RunningServer, startServer } from "../server.ts";

const podAddress = "127.87.10.2";
let dataDir: string;
let server: RunningServer;
let pod: Server;
let port: number;
const config = new KubeConfig();
const asked: { method?: string; url?: string; headers: IncomingHttpHeaders; body: string }[] = [];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "switchyard-proxy-"));
  const logger = createLogger("test", "silent");
  server = await startServer({ dataDir, port: 0, namespace: "default", nodes: ["node-1"], network: networkOf("127.87"), logger });
  config.loadFromFile(server.kubeconfigPath);
  pod = createServer(async (incoming, response) => {
    let body = "";
    for await (const chunk of incoming) body += String(chunk);
    asked.push({ method: incoming.method, url: incoming.url, headers: incoming.headers, body });
    response.writeHead(incoming.url?.startsWith("/teapot") ? 418 : 200, { "x-from": "pod" }).end("hello");
  });
  pod.listen(0, podAddress);
  await once(pod, "listening");
  port = (pod.address() as AddressInfo).port;
  for (const [name, podIP] of [
    ["web", podAddress],
    ["pending", undefined],
  ] as const) {
    await server.registry.create(resources.pods, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "default" },
      spec: { containers: [{ name: "main", image: "x:1", ports: [{ containerPort: port }] }] },
    });
    if (podIP) await setAddress(name, podIP);
  }
});

afterAll(async () => {
  pod?.closeAllConnections();
  pod?.close();
  await server?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

async function setAddress(name: string, podIP: string): Promise<void> {
  const patch = JSON.stringify([{ op: "add", path: "/status/podIP", value: podIP }]);
  const path = `/api/v1/namespaces/default/pods/${name}/status`;
  const { status } = await call("PATCH", path, { "content-type": "application/json-patch+json" }, patch);
  expect(status).toBe(200);
}

async function call(method: string, path: string, headers: Record<string, string> = {}, body = "") {
  const url = new URL(path, config.getCurrentCluster()?.server);
  const ca = readFileSync(join(dataDir, "pki", "ca.crt"));
  const authorization = `Bearer ${config.getCurrentUser()?.token}`;
  const length = body === "" ? {} : { "content-length": Buffer.byteLength(body) };
  const outgoing = request(url, { method, ca, headers: { authorization, ...length, ...headers }, agent: false });
  outgoing.end(body);
  const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of answer) text += String(chunk);
  return { status: answer.statusCode, headers: answer.headers, text };
}

const proxy = (target: string, path = "/") => `/api/v1/namespaces/default/pods/${target}/proxy${path}`;

it("hands a request on to the named port of the pod, with its query, headers and body, but not the credentials", async () => {
  const answer = await call("POST", proxy(`web:${port}`, "/admin/breaker?state=open"), { "x-admin-token": "t" }, "text");
  expect(answer).toMatchObject({ status: 200, text: "hello", headers: { "x-from": "pod" } });
  const last = asked.at(-1);
  expect(last).toMatchObject({
    method: "POST",
    url: "/admin/breaker?state=open",
    body: "text",
    headers: { "x-admin-token": "t" },
  });
  expect(last?.headers.authorization).toBeUndefined();
});

it("takes the first port of the pod where none is named, and hands on the pod's own refusals", async () => {
  expect(await call("GET", proxy("web"))).toMatchObject({ status: 200, text: "hello" });
  expect(await call("GET", proxy("web", "/teapot"))).toMatchObject({ status: 418 });
});

it("says what stands against it", async () => {
  expect(await call("GET", proxy("none"))).toMatchObject({ status: 404 });
  expect(await call("GET", proxy("pending"))).toMatchObject({ status: 400, text: expect.stringContaining("no address yet") });
  expect(await call("GET", proxy("web:99999"))).toMatchObject({ status: 400 });
  expect(await call("GET", proxy("web:1"))).toMatchObject({
    status: 503,
    text: expect.stringContaining("error trying to reach service"),
  });
});
