import { Agent, type IncomingMessage, request } from "node:http";
import { createConnection } from "node:net";
import { dirname } from "node:path";

/**
 * What the pods of these tests run: answers with its own name and version, and does what a path says: `/unready` and `/ready`
 * turn its readiness probe, `/lookup/NAME` resolves a name. It ends when its connections have ended.
 */
const script = `
const http = require("node:http"), dns = require("node:dns");
let ready = process.env.READY !== "false";
const { POD_NAME: pod, VERSION: version } = process.env;
const listen = (port) => {
  const server = http.createServer((request, response) => {
    const { url } = request;
    if (url === "/probe") return response.writeHead(ready ? 200 : 503).end();
    if (url === "/ready" || url === "/unready") ready = url === "/ready";
    const answer = (more) => response.end(JSON.stringify({ pod, version, port, ...more }));
    if (!url.startsWith("/lookup/")) return answer({ from: request.socket.remoteAddress });
    dns.lookup(url.slice(8), { all: true, family: 4 }, (error, all) => answer({ addresses: (all ?? []).map((one) => one.address).sort() }));
  });
  server.keepAliveTimeout = 60000;
  server.listen(port, process.env.POD_IP);
  process.on("SIGTERM", () => server.close());
};
for (const port of process.env.PORTS.split(",")) listen(Number(port));
`;

const fieldRef = (fieldPath: string) => ({ valueFrom: { fieldRef: { fieldPath } } });

export const echoImage = {
  name: "demo/echo",
  command: [process.execPath, "-e", script],
  readOnlyPaths: [dirname(process.execPath)],
  tags: { "1.0.0": { env: { VERSION: "1.0.0" } }, "2.0.0": { env: { VERSION: "2.0.0" } } },
};

/** A pod template of the echo server; `port` serves under the name `http`, the next one under `admin`. */
export function echoTemplate(app: string, { version = "1.0.0", port = 18_410, ready = true, preStop = 0 } = {}) {
  const env = [
    { name: "POD_NAME", ...fieldRef("metadata.name") },
    { name: "POD_IP", ...fieldRef("status.podIP") },
    { name: "PORTS", value: `${port},${port + 1}` },
    { name: "READY", value: String(ready) },
  ];
  const container = {
    name: "main",
    image: `demo/echo:${version}`,
    env,
    ports: [
      { name: "http", containerPort: port },
      { name: "admin", containerPort: port + 1 },
    ],
    readinessProbe: { httpGet: { path: "/probe", port: "http" }, periodSeconds: 1, failureThreshold: 1 },
    ...(preStop ? { lifecycle: { preStop: { exec: { command: ["/bin/sh", "-c", `sleep ${preStop}`] } } } } : {}),
  };
  return {
    metadata: { labels: { app } },
    spec: { terminationGracePeriodSeconds: 20, automountServiceAccountToken: false, containers: [container] },
  };
}

export function echoDeployment(name: string, { app = name, replicas = 1, ...options }: EchoOptions = {}): string {
  const labels = { app, deployment: name };
  const template = echoTemplate(app, options);
  return JSON.stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: { replicas, selector: { matchLabels: labels }, template: { ...template, metadata: { labels } } },
  });
}

type EchoOptions = { app?: string; replicas?: number } & Parameters<typeof echoTemplate>[1];

export type Echo = { pod: string; version: string; port: number; from: string; addresses?: string[] };

/** One request; rejects with the system's error, e.g. ECONNREFUSED. Without an agent it is a connection of its own. */
export function ask(host: string, port: number, path = "/", agent: Agent | false = false): Promise<Echo> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host, port, path, agent, timeout: 5_000 }, async (answer: IncomingMessage) => {
      try {
        let text = "";
        for await (const part of answer) text += part;
        resolve(JSON.parse(text) as Echo);
      } catch (error) {
        reject(error);
      }
    });
    outgoing.on("error", reject);
    outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer from ${host}:${port}`)));
    outgoing.end();
  });
}

/** "open", or the error's code, e.g. ECONNREFUSED. */
export function dial(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    socket.once("connect", () => {
      socket.destroy();
      resolve("open");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

/** The names of the pods that `count` new connections reach. */
export async function podsBehind(host: string, port: number, count = 6): Promise<string[]> {
  const names = new Set<string>();
  for (let at = 0; at < count; at++) names.add((await ask(host, port)).pod);
  return [...names].sort();
}

/** Requests of one connection that is kept. */
export function keptConnection(host: string, port: number): { ask(path?: string): Promise<Echo>; close(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, timeout: 60_000 });
  return { ask: (path = "/") => ask(host, port, path, agent), close: () => agent.destroy() };
}
