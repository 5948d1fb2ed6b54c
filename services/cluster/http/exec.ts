import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { type KubeObject, StatusError } from "../api.ts";
import { refusals } from "../registry/refusals.ts";
import type { Store } from "../store/store.ts";
import type { Exchange, Upgrade } from "./exchange.ts";
import { containerOf, type KubeletAccess, kubeletAddress, refusalOf } from "./pod-logs.ts";
import { flag } from "./query.ts";
import type { RequestTarget } from "./request-target.ts";

const connectTimeoutMs = 10_000;
const rememberedRefusals = 100;
const streams = ["stdin", "stdout", "stderr", "tty"];
const passedOn = ["sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol", "sec-websocket-extensions", "origin"];

type Pod = KubeObject & Parameters<typeof containerOf>[0];

/** pods/exec: joins the client to the kubelet of the pod's node, byte for byte, once the kubelet has agreed to a websocket. */
export class ExecTunnels {
  readonly #store: Store;
  readonly #kubelets: KubeletAccess;
  readonly #open = new Set<Duplex>();
  /** kubectl asks again by SPDY when a websocket is refused, and shows the second answer alone: it must be the first one's reason. */
  readonly #refused = new Map<string, StatusError>();

  constructor(store: Store, kubelets: KubeletAccess) {
    this.#store = store;
    this.#kubelets = kubelets;
  }

  stop(): void {
    for (const socket of this.#open) socket.destroy();
  }

  /** Resolves when the client is connected. Throws what stands against it. */
  async open(exchange: Exchange, target: RequestTarget): Promise<void> {
    const { request, url, upgrade, user } = exchange;
    const { method, headers } = request;
    if (method !== "GET" && method !== "POST") throw refusals.methodNotAllowed();
    const { path, node } = this.#find(url, target);
    if (!upgrade) throw refusals.badRequest("Upgrade request required");
    const key = `${user.name} ${request.url}`;
    const earlier = this.#refused.get(key);
    this.#refused.delete(key);
    if (method !== "GET" || headers.upgrade?.toLowerCase() !== "websocket") throw earlier ?? onlyWebsockets(headers.upgrade);
    try {
      await this.#connect(exchange, upgrade, node, path);
    } catch (error) {
      if (error instanceof StatusError) this.#remember(key, error);
      throw error;
    }
  }

  #remember(key: string, error: StatusError): void {
    this.#refused.set(key, error);
    const [oldest] = this.#refused.keys();
    if (this.#refused.size > rememberedRefusals && oldest !== undefined) this.#refused.delete(oldest);
  }

  #find(url: URL, { definition, namespace, name }: RequestTarget): { path: string; node: KubeObject } {
    const pod = this.#store.get(definition.id, namespace, name) as Pod | undefined;
    if (!pod) throw refusals.notFound(definition.id, name);
    const container = containerOf(pod, url.searchParams.get("container"));
    if (!pod.spec?.nodeName) throw refusals.badRequest(`pod ${name} does not have a host assigned`);
    const node = this.#store.get({ group: "", resource: "nodes" }, "", pod.spec.nodeName);
    if (!node) throw refusals.notFound({ group: "", resource: "nodes" }, pod.spec.nodeName);
    const command = url.searchParams.getAll("command");
    if (command.length === 0) throw refusals.badRequest("you must specify at least 1 command to run in the container");
    const wanted = streams.filter((stream) => flag(url, stream));
    if (!wanted.some((stream) => stream !== "tty")) {
      throw refusals.badRequest("you must specify at least 1 of stdin, stdout, stderr");
    }
    if (wanted.includes("tty") && wanted.includes("stderr")) throw refusals.badRequest("tty and stderr cannot both be true");
    const query = new URLSearchParams(command.map((part) => ["command", part]));
    for (const stream of streams) query.set(stream, String(wanted.includes(stream)));
    return { path: `/exec/${[namespace, name, container].map(encodeURIComponent).join("/")}?${query}`, node };
  }

  #connect({ request, response }: Exchange, upgrade: Upgrade, node: KubeObject, path: string): Promise<void> {
    const { host, port } = kubeletAddress(node);
    const { authority, token } = this.#kubelets;
    const headers: Record<string, string> = { authorization: `Bearer ${token}`, connection: "Upgrade", upgrade: "websocket" };
    for (const name of passedOn) {
      const value = request.headers[name];
      if (typeof value === "string") headers[name] = value;
    }
    return new Promise((resolve, reject) => {
      const upstream = httpsRequest({ host, port, path, ca: authority, headers, agent: false });
      upstream.setTimeout(connectTimeoutMs, () => upstream.destroy(new Error("the kubelet did not answer in time")));
      upstream.on("error", (error) => reject(dialError(error)));
      upgrade.socket.once("close", () => upstream.destroy());
      upstream.on("response", (answer) => void refusalOf(answer).then(reject, reject));
      upstream.on("upgrade", (answer, socket, head) => {
        socket.setTimeout(0);
        response.detachSocket(response.socket ?? request.socket);
        upgrade.socket.write(handshakeOf(answer));
        upgrade.socket.write(head);
        socket.write(upgrade.head);
        this.#join(upgrade.socket, socket);
        resolve();
      });
      upstream.end();
    });
  }

  #join(client: Duplex, kubelet: Duplex): void {
    const pairs: [Duplex, Duplex][] = [
      [client, kubelet],
      [kubelet, client],
    ];
    for (const [from, to] of pairs) {
      this.#open.add(from);
      from.on("error", () => from.destroy());
      from.once("close", () => {
        this.#open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }
}

/** The kubelet's consent, as it was given: the client checks it against its own key. */
function handshakeOf({ rawHeaders }: IncomingMessage): string {
  const lines = ["HTTP/1.1 101 Switching Protocols"];
  for (let index = 0; index < rawHeaders.length; index += 2) lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

function onlyWebsockets(protocol = ""): StatusError {
  const wanted = "only websockets are served here, use kubectl 1.31 or newer";
  return refusals.badRequest(`unable to upgrade to ${JSON.stringify(protocol)}: ${wanted}`);
}

function dialError({ message }: Error): StatusError {
  const detail = `error dialing backend: ${message}`;
  return new StatusError(500, "InternalError", `Internal error occurred: ${detail}`, { causes: [{ message: detail }] });
}
