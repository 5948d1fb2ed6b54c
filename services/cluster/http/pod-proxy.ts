import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import type { V1Pod } from "@kubernetes/client-node";
import { StatusError } from "../api.ts";
import { refusals } from "../registry/refusals.ts";
import type { Store } from "../store/store.ts";
import type { Exchange } from "./exchange.ts";

const pods = { group: "", resource: "pods" };
const timeoutMs = 30_000;
const pattern = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/proxy(\/.*)?$/;
/** Of one connection, and the credentials that were for the API server: the pod gets none of these. */
const kept = [
  "authorization",
  "connection",
  "keep-alive",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Whether a path is pods/proxy, which has a path of the pod's own behind it. */
export function isPodProxy(path: string): boolean {
  return pattern.test(path);
}

/** pods/proxy: asks a port of a pod by plain HTTP, and hands on its answer as it comes. `POD:PORT` names the port, else its first one. */
export async function proxyPod({ request, response, url }: Exchange, store: Store): Promise<void> {
  const [, namespace = "", target = "", path = "/"] = pattern.exec(url.pathname) ?? [];
  const [name = "", wanted] = decodeURIComponent(target).split(":");
  const pod = store.get(pods, decodeURIComponent(namespace), name) as unknown as V1Pod | undefined;
  if (!pod) throw refusals.notFound(pods, name);
  const host = pod.status?.podIP;
  if (!host) throw refusals.badRequest(`pod ${name} has no address yet`);
  const first = pod.spec?.containers.flatMap(({ ports = [] }) => ports)[0]?.containerPort;
  const port = wanted === undefined ? first : Number(wanted);
  if (!port || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw refusals.badRequest(`invalid port of pod ${name}: ${wanted ?? "none"}`);
  await new Promise<void>((resolve, reject) => {
    const headers = passedOn(request.headers, `${host}:${port}`);
    const upstream = httpRequest({ host, port, method: request.method, path: `${path}${url.search}`, headers, agent: false });
    upstream.setTimeout(timeoutMs, () => upstream.destroy(new Error("the pod did not answer in time")));
    upstream.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, passedOn(answer.headers));
      answer.pipe(response);
      answer.on("end", resolve);
      answer.on("error", () => response.destroy());
    });
    upstream.on("error", (error) => {
      if (!response.headersSent)
        reject(new StatusError(503, "ServiceUnavailable", `error trying to reach service: ${error.message}`));
      else response.destroy();
    });
    response.on("close", () => {
      upstream.destroy();
      resolve();
    });
    request.pipe(upstream);
  });
}

function passedOn(headers: IncomingHttpHeaders, host?: string): IncomingHttpHeaders {
  const rest = Object.fromEntries(Object.entries(headers).filter(([name]) => !kept.includes(name)));
  return host === undefined ? rest : { ...rest, host };
}
