import { request } from "node:http";
import { request as secureRequest } from "node:https";
import { DomainError } from "../../errors.ts";

/** What has the power over nodes: the local launcher's socket, or whatever speaks the same over HTTP. */
export type NodePower = {
  list(): Promise<{ name: string; isOn: boolean }[]>;
  /** Cuts a node's power at once; one that is off stays off. */
  kill(node: string): Promise<void>;
  /** Gives it back; one that is on stays on. */
  start(node: string): Promise<void>;
};

const timeoutMs = 30_000;

/**
 * Opens SWITCHYARD_NODE_POWER: the path of a unix socket, or an http(s) URL, that answers GET /nodes with [{name, isOn}] and takes POST
 * /nodes/NAME/kill and /nodes/NAME/start (409 when it is so already). Methods throw precondition-failed with what is wrong.
 */
export function openNodePower(address: string): NodePower {
  const ask = (method: "GET" | "POST", path: string) => send(address, method, path);
  const set = async (node: string, verb: "kill" | "start") => {
    const { status, body } = await ask("POST", `/nodes/${encodeURIComponent(node)}/${verb}`);
    if (status === 200 || status === 409) return;
    throw refusal(`the switch of the nodes' power answered ${status}: ${String(body).slice(0, 300)}`);
  };
  return {
    async list() {
      const { status, body } = await ask("GET", "/nodes");
      if (status === 200 && Array.isArray(body)) return body as { name: string; isOn: boolean }[];
      throw refusal(`the switch of the nodes' power answered ${status}`);
    },
    kill: (node) => set(node, "kill"),
    start: (node) => set(node, "start"),
  };
}

function send(address: string, method: string, path: string): Promise<{ status: number; body: unknown }> {
  const isUrl = /^https?:/.test(address);
  const open = address.startsWith("https:") ? secureRequest : request;
  const options = { method, timeout: timeoutMs, agent: false as const };
  return new Promise((resolve, reject) => {
    const outgoing = isUrl ? open(new URL(path, address), options) : request({ ...options, socketPath: address, path });
    outgoing.on("response", async (response) => {
      const text = (await response.toArray().catch(() => [])).join("");
      resolve({ status: response.statusCode ?? 0, body: parse(text) });
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    outgoing.on("error", (error) => reject(refusal(`the switch of the nodes' power does not answer: ${error.message}`, error)));
    outgoing.end();
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const refusal = (why: string, cause?: unknown) =>
  new DomainError(
    "precondition-failed",
    `${why[0]?.toUpperCase()}${why.slice(1)}. Look at SWITCHYARD_NODE_POWER.`,
    {},
    { cause },
  );
