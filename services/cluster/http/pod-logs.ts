import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { V1Node, V1Pod } from "@kubernetes/client-node";
import { type KubeObject, StatusError } from "../api.ts";
import { refusals } from "../registry/refusals.ts";
import type { Store } from "../store/store.ts";
import type { Exchange } from "./exchange.ts";
import { wholeNumber } from "./query.ts";
import type { RequestTarget } from "./request-target.ts";

export type KubeletAccess = { authority: string; token: string };

const passedOn = ["follow", "previous", "tailLines", "sinceSeconds", "sinceTime", "timestamps", "limitBytes"];
const connectTimeoutMs = 5_000;

/** pods/log: asks the kubelet of the pod's node and hands on what it sends, as it comes. */
export async function streamPodLogs(
  exchange: Exchange,
  target: RequestTarget,
  store: Store,
  access: KubeletAccess,
): Promise<void> {
  const { request, response, url } = exchange;
  const { definition, namespace, name } = target;
  if (request.method !== "GET") throw refusals.methodNotAllowed();
  for (const number of ["tailLines", "sinceSeconds", "limitBytes"]) wholeNumber(url, number);
  const pod = store.get(definition.id, namespace, name);
  if (!pod) throw refusals.notFound(definition.id, name);
  const container = containerOf(pod as unknown as V1Pod, url.searchParams.get("container"));
  const { spec } = pod as unknown as V1Pod;
  if (!spec?.nodeName) throw refusals.badRequest(`pod ${name} does not have a host assigned`);
  const node = store.get({ group: "", resource: "nodes" }, "", spec.nodeName);
  if (!node) throw refusals.notFound({ group: "", resource: "nodes" }, spec.nodeName);
  const { host, port } = kubeletAddress(node);
  const query = new URLSearchParams(passedOn.flatMap((key) => url.searchParams.getAll(key).map((value) => [key, value])));
  const path = `/containerLogs/${[namespace, name, container].map(encodeURIComponent).join("/")}?${query}`;

  await new Promise<void>((resolve, reject) => {
    const upstream = httpsRequest(
      { host, port, path, ca: access.authority, headers: { authorization: `Bearer ${access.token}` }, agent: false },
      (answer) => {
        upstream.setTimeout(0);
        if (answer.statusCode === 200) passOn(answer, response, resolve);
        else void refusalOf(answer).then(reject, reject);
      },
    );
    upstream.setTimeout(connectTimeoutMs, () => upstream.destroy(new Error("the kubelet did not answer in time")));
    upstream.on("error", (error) => {
      if (response.headersSent) {
        response.destroy();
        resolve();
        return;
      }
      const detail = `Get "https://${host}:${port}${path}": ${error.message}`;
      reject(
        new StatusError(
          500,
          "InternalError",
          `an error on the server (${JSON.stringify(detail)}) has prevented the request from succeeding`,
        ),
      );
    });
    response.on("close", () => {
      upstream.destroy();
      resolve();
    });
    upstream.end();
  });
}

function passOn(answer: IncomingMessage, response: Exchange["response"], done: () => void): void {
  response.writeHead(200, {
    "content-type": answer.headers["content-type"] ?? "text/plain",
    "cache-control": "no-cache, private",
  });
  response.flushHeaders();
  answer.pipe(response);
  answer.on("end", done);
  answer.on("error", () => {
    response.destroy();
    done();
  });
}

/** Kubelets answer in plain text or with a Status; either way the client gets a Status. */
export async function refusalOf(answer: IncomingMessage): Promise<StatusError> {
  let text = "";
  for await (const chunk of answer) {
    text += String(chunk);
    if (text.length > 10_000) break;
  }
  const code = answer.statusCode ?? 500;
  const reasons: Record<number, string> = { 400: "BadRequest", 404: "NotFound" };
  try {
    const status = JSON.parse(text) as { message?: string; reason?: string };
    if (status.message) return new StatusError(code, status.reason ?? reasons[code] ?? "InternalError", status.message);
  } catch {
    // Plain text it is.
  }
  return new StatusError(code, reasons[code] ?? "InternalError", text.trim() || "the kubelet refused the request");
}

export function containerOf(pod: V1Pod, wanted: string | null): string {
  const main = pod.spec?.containers ?? [];
  const all = [...(pod.spec?.initContainers ?? []), ...main].map((container) => container.name);
  const name = pod.metadata?.name ?? "";
  if (wanted) {
    if (all.includes(wanted)) return wanted;
    throw refusals.badRequest(`container ${wanted} is not valid for pod ${name}`);
  }
  const first = main[0]?.name;
  if (main.length === 1 && first && all.length === 1) return first;
  const defaulted = pod.metadata?.annotations?.["kubectl.kubernetes.io/default-container"];
  if (defaulted && all.includes(defaulted)) return defaulted;
  if (main.length === 1 && first) return first;
  const choices = main.map((container) => container.name).join(" ");
  throw refusals.badRequest(`a container name must be specified for pod ${name}, choose one of: [${choices}]`);
}

export function kubeletAddress(node: KubeObject): { host: string; port: number } {
  const { status } = node as unknown as V1Node;
  const host = status?.addresses?.find((address) => address.type === "InternalIP")?.address;
  if (!host) throw new StatusError(500, "InternalError", `node ${node.metadata.name} has no InternalIP`);
  return { host, port: status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 10250 };
}
