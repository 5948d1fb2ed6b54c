import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger } from "#lib/runtime/logger.ts";
import type { Access } from "../access/access.ts";
import { attributesOf, tunnels } from "../access/attributes.ts";
import { StatusError } from "../api.ts";
import type { ResourceMetrics } from "../metrics/collector.ts";
import { answerMetrics, metricsPath } from "../metrics/metrics-api.ts";
import type { ServiceAccountKey } from "../pki/service-account-key.ts";
import { refusals } from "../registry/refusals.ts";
import type { Registry } from "../registry/registry.ts";
import type { Catalogue } from "../resources/catalogue.ts";
import { DecodeError } from "../schema/decode.ts";
import type { Store } from "../store/store.ts";
import { openUpgradeResponse } from "../upgrade-response.ts";
import { sendBytes, sendJson, statusOf } from "./answers.ts";
import { AuditRecord } from "./audit.ts";
import { Gate } from "./authorization.ts";
import { answerAutoscalingV1, isAutoscalingV1 } from "./autoscaling-v1.ts";
import { aggregatedDiscovery, aggregatedVersion, coreVersions, findGroup, groupList, resourceList } from "./discovery.ts";
import type { Exchange, Upgrade } from "./exchange.ts";
import type { ExecTunnels } from "./exec.ts";
import type { ObjectHandlers } from "./objects.ts";
import { openApiV2, openApiV2Protobuf, protobufContentType } from "./openapi.ts";
import { bindPod, evictPod } from "./pod-actions.ts";
import { type KubeletAccess, streamPodLogs } from "./pod-logs.ts";
import { isPodProxy, proxyPod } from "./pod-proxy.ts";
import { parseTarget, type RequestTarget } from "./request-target.ts";
import { answerReview, isReview } from "./reviews.ts";
import { handleScale } from "./scale.ts";
import { issuerDocument, issueToken } from "./tokens.ts";

export type ApiHandlerOptions = {
  store: Store;
  catalogue: Catalogue;
  registry: Registry;
  objects: ObjectHandlers;
  access: Access;
  serviceAccountKey: ServiceAccountKey;
  exec: ExecTunnels;
  kubelets: KubeletAccess;
  metrics: ResourceMetrics;
  logger: Logger;
  now: () => Date;
  address: () => string;
};

const version = {
  major: "1",
  minor: "32",
  gitVersion: "v1.32.0+switchyard",
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: "",
  compiler: "",
  platform: "linux/amd64",
};

/** Answers one request: open paths, who asks and whether he may, discovery, objects. Every refusal becomes a v1 Status. */
export class ApiHandler {
  readonly #options: ApiHandlerOptions;
  readonly #gate: Gate;

  constructor(options: ApiHandlerOptions) {
    this.#options = options;
    this.#gate = new Gate(options.access.authenticator, options.access.authorizer, options.registry);
  }

  async handle(request: IncomingMessage, response: ServerResponse, upgrade?: Upgrade): Promise<void> {
    try {
      const url = urlOf(request);
      if (!answerOpenPath(request, response, url.pathname)) await this.#admit(request, response, url, upgrade);
    } catch (error) {
      this.#refuse(error, request, response);
    }
  }

  /** A request for another protocol: pods/exec takes the connection over, everything else is answered and the connection closed. */
  async handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on("error", () => socket.destroy());
    const response = openUpgradeResponse(request, request.socket);
    if (response) await this.handle(request, response, { socket, head });
  }

  async #admit(request: IncomingMessage, response: ServerResponse, url: URL, upgrade: Upgrade | undefined): Promise<void> {
    const attributes = attributesOf(request.method ?? "GET", url);
    const record = new AuditRecord(this.#options.access.audit, request, attributes);
    let exchange: Exchange | undefined;
    let refusal: StatusError | undefined;
    response.once("close", () => record.finish(response.statusCode, refusal, exchange?.objectName));
    try {
      const caller = await this.#gate.authenticate(request);
      record.identify({ caller, user: caller });
      const user = this.#gate.impersonate(caller, request);
      record.identify({ caller, user });
      record.allow(this.#gate.authorize(user, attributes));
      exchange = { request, response, url, user, attributes, upgrade };
      await this.#answer(exchange);
      if (upgrade && !response.headersSent) record.finish(101, undefined, undefined);
    } catch (error) {
      if (error instanceof StatusError) refusal = error;
      throw error;
    }
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { response, url, attributes, upgrade } = exchange;
    const path = url.pathname;
    const { catalogue, serviceAccountKey, address, access } = this.#options;
    if (path === "/openapi/v2" || path === "/openapi/v3") return this.#openApi(exchange);
    if (this.#discover(exchange)) return;
    const document = isGet(exchange.request) ? issuerDocument(path, serviceAccountKey, `https://${address()}`) : undefined;
    if (document) return sendJson(response, 200, document.body, document.type);
    if (isReview(attributes)) return answerReview(exchange, access);
    if (path.startsWith(metricsPath)) return answerMetrics(exchange, this.#options);
    if (isPodProxy(path)) {
      if (upgrade) throw refusals.badRequest("pods/proxy takes no connection over");
      return proxyPod(exchange, this.#options.store);
    }
    if (isAutoscalingV1(url)) return answerAutoscalingV1(exchange, this.#options);
    const target = parseTarget(path, catalogue);
    if (upgrade && !isGet(exchange.request) && !tunnels.has(target.subresource)) {
      throw refusals.badRequest("only pods/exec takes a connection over");
    }
    await this.#dispatch(exchange, target);
  }

  async #dispatch(exchange: Exchange, target: RequestTarget): Promise<void> {
    const { store, registry, objects, now, kubelets, access, exec } = this.#options;
    const { definition, subresource } = target;
    const isPod = definition.id.group === "" && definition.id.resource === "pods";
    if (subresource === "" || (subresource === "status" && definition.hasStatus)) return objects.handle(exchange, target);
    if (subresource === "scale" && definition.hasScale) return handleScale(exchange, target, { store, registry });
    if (subresource === "finalize" && definition.id.resource === "namespaces" && exchange.request.method === "PUT") {
      return objects.handle(exchange, target);
    }
    if (isPod && subresource === "log") return streamPodLogs(exchange, target, store, kubelets);
    if (isPod && subresource === "exec") return exec.open(exchange, target);
    if (isPod && subresource === "binding") return bindPod(exchange, target, { store, registry, now });
    if (isPod && subresource === "eviction") return evictPod(exchange, target, { store, registry, now });
    if (subresource === "token" && definition.id.resource === "serviceaccounts") {
      return issueToken(exchange, target, { cluster: registry, tokens: access.tokens, now });
    }
    throw refusals.noSuchPath();
  }

  #discover({ request, response, url }: Exchange): boolean {
    const path = url.pathname.replace(/\/$/, "");
    const document = isGet(request) ? this.#discoveryDocument(path) : undefined;
    if (!document) return false;
    const wanted = path === "/api" || path === "/apis" ? aggregatedVersion(request.headers.accept) : undefined;
    if (wanted) {
      const type = `application/json;g=apidiscovery.k8s.io;v=${wanted};as=APIGroupDiscoveryList`;
      sendJson(response, 200, aggregatedDiscovery(this.#options.catalogue, path === "/api", wanted), type);
    } else {
      sendJson(response, 200, document);
    }
    return true;
  }

  #discoveryDocument(path: string): object | undefined {
    const { catalogue, address } = this.#options;
    if (path === "/api") return coreVersions(address());
    if (path === "/apis") return groupList(catalogue);
    if (path === "/api/v1") return resourceList(catalogue, "", "v1");
    const [, group, groupVersion] = /^\/apis\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
    if (!group) return undefined;
    return groupVersion ? resourceList(catalogue, group, groupVersion) : findGroup(catalogue, group);
  }

  #openApi({ request, response, url }: Exchange): void {
    if (!isGet(request)) throw refusals.methodNotAllowed();
    if (url.pathname === "/openapi/v3") {
      sendJson(response, 200, { paths: {} });
    } else if (request.headers.accept?.includes("protobuf")) {
      sendBytes(response, 200, protobufContentType, openApiV2Protobuf(this.#options.catalogue, version.gitVersion));
    } else {
      sendJson(response, 200, openApiV2(this.#options.catalogue, version.gitVersion));
    }
  }

  #refuse(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    let refusal = error instanceof DecodeError ? refusals.badRequest(error.message) : error;
    if (!(refusal instanceof StatusError)) {
      this.#options.logger.error({ err: error, method: request.method, path: request.url }, "a request failed");
      refusal = new StatusError(500, "InternalError", "Internal error occurred");
    }
    if (!(refusal instanceof StatusError)) return;
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // The rest of a body that was not read would otherwise be taken for the next request.
    if (!request.complete) response.setHeader("connection", "close");
    sendJson(response, refusal.code, statusOf(refusal));
  }
}

function answerOpenPath(request: IncomingMessage, response: ServerResponse, path: string): boolean {
  if (!isGet(request)) return false;
  if (path === "/healthz" || path === "/livez" || path === "/readyz") {
    sendBytes(response, 200, "text/plain; charset=utf-8", Buffer.from("ok"));
    return true;
  }
  if (path !== "/version") return false;
  sendJson(response, 200, version);
  return true;
}

function isGet({ method }: IncomingMessage): boolean {
  return method === "GET";
}

function urlOf(request: IncomingMessage): URL {
  const target = request.url ?? "/";
  const base = "https://localhost";
  if (!target.startsWith("/") || !URL.canParse(`${base}${target}`)) throw refusals.badRequest("the request target is no path");
  const url = new URL(`${base}${target}`);
  // An empty segment would not count for everybody who reads the path: authorization and routing must see the same.
  if (url.pathname.includes("//")) throw refusals.noSuchPath();
  return url;
}
