import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { createServer, request, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import { createLogger } from "#lib/runtime/logger.ts";
import { resources } from "../api.ts";
import { networkOf } from "../network.ts";
import { type RunningServer, startServer } from "../server.ts";

const podPath = "/api/v1/namespaces/default/pods/shell";
const protocol = "v5.channel.k8s.io";
const host = "127.86.0.1";
let dataDir: string;
let server: RunningServer;
let kubelet: Server;
let token = "";
let ca = "";
/** What the stand-in of a kubelet was asked, newest last. */
const asked: { url?: string; authorization?: string }[] = [];
let refusal: { code: number; text: string } | undefined;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "switchyard-exec-"));
  const logger = createLogger("test", "silent");
  const network = networkOf("127.86");
  server = await startServer({ dataDir, port: 0, namespace: "default", nodes: ["node-1"], network, logger });
  const config = new KubeConfig();
  config.loadFromFile(server.kubeconfigPath);
  token = config.getCurrentUser()?.token ?? "";
  ca = readFileSync(join(dataDir, "pki", "ca.crt"), "utf8");
  kubelet = await startStandIn();
  const { port } = kubelet.address() as AddressInfo;
  await server.registry.create(resources.nodes, {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "node-1" },
    status: { addresses: [{ type: "InternalIP", address: host }], daemonEndpoints: { kubeletEndpoint: { Port: port } } },
  });
  for (const name of ["shell", "unbound"]) {
    await server.registry.create(resources.pods, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "default" },
      spec: { ...(name === "shell" ? { nodeName: "node-1" } : {}), containers: [{ name: "main", image: "x:1" }] },
    });
  }
});

afterAll(async () => {
  await server?.stop();
  kubelet?.closeAllConnections();
  kubelet?.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** Echoes every frame; refuses while `refusal` is set. */
async function startStandIn(): Promise<Server> {
  const read = (file: string) => readFileSync(join(dataDir, "pki", `kubelet-node-1.${file}`));
  const https = createServer({ cert: read("crt"), key: read("key") });
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => protocol });
  https.on("upgrade", (incoming, socket, head) => {
    asked.push({ url: incoming.url, authorization: incoming.headers.authorization });
    if (refusal) {
      const { code, text } = refusal;
      socket.end(`HTTP/1.1 ${code} Refused\r\ncontent-length: ${text.length}\r\nconnection: close\r\n\r\n${text}`);
      return;
    }
    sockets.handleUpgrade(incoming, socket, head, (open) => open.on("message", (data: RawData) => open.send(data)));
  });
  https.listen(0, host);
  await once(https, "listening");
  return https;
}

const authorization = () => ({ authorization: `Bearer ${token}` });

function dial(query: string, path = `${podPath}/exec`): WebSocket {
  const url = `${server.address.replace("https", "wss")}${path}?${query}`;
  return new WebSocket(url, [protocol], { ca, headers: authorization() });
}

/** The Status that a client gets instead of a connection. */
async function refused(socket: WebSocket): Promise<{ code: number; message: string }> {
  socket.on("error", () => {});
  const [, answer] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
  return statusOf(answer);
}

function call(method: string, path: string, headers: Record<string, string>): Promise<{ code: number; message: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${server.address}${path}`, { method, ca, headers: { ...authorization(), ...headers } });
    outgoing.on("response", (answer) => void statusOf(answer).then(resolve, reject));
    outgoing.on("error", reject);
    outgoing.end();
  });
}

async function statusOf(answer: IncomingMessage): Promise<{ code: number; message: string }> {
  let text = "";
  for await (const chunk of answer) text += String(chunk);
  return JSON.parse(text);
}

describe("pods/exec", () => {
  it("joins the client to the kubelet, with the kubelet's token and the protocol that it chose", async () => {
    const socket = dial("command=sh&command=-c&command=echo%20a%26b&stdin=true&stdout=1&container=main");
    await once(socket, "open");
    expect(socket.protocol).toBe(protocol);
    expect(asked.at(-1)?.url).toBe(
      "/exec/default/shell/main?command=sh&command=-c&command=echo+a%26b&stdin=true&stdout=true&stderr=false&tty=false",
    );
    const kubeletToken = readFileSync(join(dataDir, "kubelet.token"), "utf8").trim();
    expect(asked.at(-1)?.authorization).toBe(`Bearer ${kubeletToken}`);
    const bytes = Buffer.alloc(300_000, "x");
    socket.send(bytes);
    const [echoed] = (await once(socket, "message")) as [Buffer];
    expect(echoed.equals(bytes)).toBe(true);
    socket.close();
    await once(socket, "close");
  });

  it("says what is wrong before it asks a kubelet", async () => {
    const before = asked.length;
    const output = "command=true&stdout=true";
    expect(await refused(dial(output, "/api/v1/namespaces/default/pods/none/exec"))).toMatchObject({
      code: 404,
      message: 'pods "none" not found',
    });
    expect(await refused(dial(`${output}&container=other`))).toMatchObject({
      code: 400,
      message: "container other is not valid for pod shell",
    });
    expect(await refused(dial(output, "/api/v1/namespaces/default/pods/unbound/exec"))).toMatchObject({
      code: 400,
      message: "pod unbound does not have a host assigned",
    });
    expect(await refused(dial("stdout=true"))).toMatchObject({
      code: 400,
      message: expect.stringContaining("at least 1 command"),
    });
    expect(await refused(dial("command=true"))).toMatchObject({
      code: 400,
      message: expect.stringContaining("stdin, stdout, stderr"),
    });
    expect(await refused(dial(`${output}&stderr=true&tty=true`))).toMatchObject({ code: 400 });
    expect(await call("GET", `${podPath}/exec?${output}`, {})).toMatchObject({ code: 400, message: "Upgrade request required" });
    expect(await call("PUT", `${podPath}/exec?${output}`, {})).toMatchObject({ code: 405 });
    expect(asked.length).toBe(before);
  });

  it("asks users of SPDY for a newer kubectl", async () => {
    const headers = { connection: "Upgrade", upgrade: "SPDY/3.1" };
    expect(await call("POST", `${podPath}/exec?command=true&stdout=true`, headers)).toMatchObject({
      code: 400,
      message: expect.stringContaining("use kubectl 1.31 or newer"),
    });
  });

  it("hands on what the kubelet refuses, also when kubectl then asks again by SPDY", async () => {
    refusal = { code: 404, text: 'container not found ("main")' };
    const wanted = { code: 404, message: 'container not found ("main")' };
    try {
      expect(await refused(dial("command=again&stdout=true"))).toMatchObject(wanted);
      const headers = { connection: "Upgrade", upgrade: "SPDY/3.1" };
      expect(await call("POST", `${podPath}/exec?command=again&stdout=true`, headers)).toMatchObject(wanted);
    } finally {
      refusal = undefined;
    }
  });

  it("does not serve attach and portforward, and takes over no other connection", async () => {
    const headers = { connection: "Upgrade", upgrade: "SPDY/3.1" };
    for (const subresource of ["attach", "portforward"]) {
      expect(await call("POST", `${podPath}/${subresource}`, headers)).toMatchObject({
        code: 404,
        message: "the server could not find the requested resource",
      });
    }
    expect(await call("POST", "/api/v1/namespaces/default/pods", headers)).toMatchObject({ code: 400 });
    expect(await call("GET", podPath, { connection: "Upgrade", upgrade: "h2c" })).toMatchObject({ kind: "Pod" });
  });

  it("ends for the client when the server stops", async () => {
    const socket = dial("command=cat&stdin=true&stdout=true");
    socket.on("error", () => {});
    await once(socket, "open");
    const closed = once(socket, "close");
    await server.stop();
    await closed;
  });
});
