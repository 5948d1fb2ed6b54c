import { createHash } from "node:crypto";
import { chmodSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Cutting and restoring the power of the local cluster's nodes, over a socket that only the person who runs Switchyard may open:
 * GET /nodes, POST /nodes/NAME/kill, POST /nodes/NAME/start. Drills and `npm run nodes` use it.
 */

export type NodePower = { name: string; isOn: boolean };

/** What has the power over the nodes. `kill` ends a node's kubelet and pods at once, as a power cut does. */
export type PowerSwitch = { nodes(): NodePower[]; kill(node: string): Promise<void>; start(node: string): void };

const maxSocketPath = 100;

/** Where the socket of the launcher on this data directory is: inside it, or in the temporary folder when that path is too long. */
export function powerSocket(dataDir: string): string {
  const path = join(dataDir, "nodes.sock");
  if (path.length <= maxSocketPath) return path;
  return join(tmpdir(), `switchyard-${createHash("sha256").update(dataDir).digest("hex").slice(0, 16)}.sock`);
}

/** Serves the switch until `close`. */
export async function servePower(socket: string, power: PowerSwitch): Promise<Server> {
  rmSync(socket, { force: true });
  const server = createServer(async (incoming, response) => {
    const { status, body } = await answer(incoming, power).catch((error: Error) => ({ status: 500, body: error.message }));
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(socket, resolve));
  chmodSync(socket, 0o600);
  return server;
}

async function answer(incoming: IncomingMessage, power: PowerSwitch): Promise<{ status: number; body: unknown }> {
  if (incoming.method === "GET" && incoming.url === "/nodes") return { status: 200, body: power.nodes() };
  const [, name, verb] = /^\/nodes\/([\w-]+)\/(kill|start)$/.exec(incoming.url ?? "") ?? [];
  if (incoming.method !== "POST" || !name) return { status: 404, body: "no such path" };
  const node = power.nodes().find((one) => one.name === name);
  const names = power.nodes().map((one) => one.name);
  if (!node) return { status: 404, body: `there is no node ${name}; the nodes are ${names.join(", ")}` };
  if (verb === "kill") {
    if (!node.isOn) return { status: 409, body: `${name} is off already` };
    await power.kill(name);
  } else {
    if (node.isOn) return { status: 409, body: `${name} is on already` };
    power.start(name);
  }
  return { status: 200, body: power.nodes() };
}

/** Asks the launcher behind `socket`. Rejects with what is wrong, in words for a person. */
export function askPower(socket: string, method: "GET" | "POST", path: string): Promise<NodePower[]> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: socket, method, path }, async (response) => {
      const body = JSON.parse((await response.toArray()).join("")) as NodePower[] | string;
      if (typeof body === "string") reject(new Error(body));
      else resolve(body);
    });
    outgoing.on("error", () => reject(new Error("Switchyard with a local cluster does not run on this data directory.")));
    outgoing.end();
  });
}
