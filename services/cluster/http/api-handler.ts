import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "#lib/runtime/logger.ts";
import { StatusError } from "../api.ts";
import type { ResourceMetrics } from "../metrics/collector.ts";
import { answerMetrics, metricsPath } from "../metrics/metrics-api.ts";
import type { Identities, User } from "../pki/identities.ts";
import { refusals } from "../registry/refusals.ts";
import type { Registry } from "../registry/registry.ts";
import type { Catalogue } from "../resources/catalogue.ts";
import { DecodeError } from "../schema/decode.ts";
import type { Store } from "../store/store.ts";
import { sendBytes, sendJson, statusOf } from "./answers.ts";
import { aggregatedDiscovery, aggregatedVersion, coreVersions, findGroup, groupList, resourceList } from "./discovery.ts";
import type { Exchange } from "./exchange.ts";
import type { ObjectHandlers } from "./objects.ts";
import { openApiV2, openApiV2Protobuf, protobufContentType } from "./openapi.ts";
import { bindPod, evictPod } from "./pod-actions.ts";
import { type KubeletAccess, streamPodLogs } from "./pod-logs.ts";
import { parseTarget, type RequestTarget } from "./request-target.ts";
import { answerReview } from "./reviews.ts";
import { handleScale } from "./scale.ts";

export type ApiHandlerOptions = {
  store: Store;
  catalogue: Catalogue;
  registry: Registry;
  objects: ObjectHandlers;
  identities: Identities;
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

/** Answers one request: open paths, authentication, discovery, objects. Every refusal becomes a v1 Status. */
export class ApiHandler {
  readonly #options: ApiHandlerOptions;

  constructor(options: ApiHandlerOptions) {
    this.#options = options;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#answer(request, response);
    } catch (error) {
      this.#refuse(error, request, response);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = urlOf(request);
    const path = url.pathname;
    if (isGet(request) && (path === "/healthz" || path === "/livez" || path === "/readyz")) {
      sendBytes(response, 200, "text/plain; charset=utf-8", Buffer.from("ok"));
      return;
    }
    if (isGet(request) && path === "/version") {
      sendJson(response, 200, version);
      return;
    }
    const exchange: Exchange = { request, response, url, user: this.#authenticate(request) };
    if (path === "/openapi/v2" || path === "/openapi/v3") return this.#openApi(exchange);
    if (this.#discover(exchange)) return;
    const review = /^\/apis\/authorization\.k8s\.io\/v1\/([a-z]+)$/.exec(path)?.[1];
    if (review) return answerReview(exchange, review);
    if (path.startsWith(metricsPath)) return answerMetrics(exchange, this.#options);
    await this.#dispatch(exchange, parseTarget(path, this.#options.catalogue));
  }

  async #dispatch(exchange: Exchange, target: RequestTarget): Promise<void> {
    const { store, registry, objects, now, kubelets } = this.#options;
    const { definition, subresource } = target;
    const isPod = definition.id.group === "" && definition.id.resource === "pods";
    if (subresource === "" || (subresource === "status" && definition.hasStatus)) return objects.handle(exchange, target);
    if (subresource === "scale" && definition.hasScale) return handleScale(exchange, target, { store, registry });
    if (subresource === "finalize" && definition.id.resource === "namespaces" && exchange.request.method === "PUT") {
      return objects.handle(exchange, target);
    }
    if (isPod && subresource === "log") return streamPodLogs(exchange, target, store, kubelets);
    if (isPod && subresource === "binding") return bindPod(exchange, target, { store, registry, now });
    if (isPod && subresource === "eviction") return evictPod(exchange, target, { store, registry, now });
    throw refusals.noSuchPath();
  }

  #authenticate(request: IncomingMessage): User {
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
    const user = token ? this.#options.identities.find(token) : undefined;
    if (!user) throw new StatusError(401, "Unauthorized", "Unauthorized");
    return user;
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

function isGet({ method }: IncomingMessage): boolean {
  return method === "GET";
}

function urlOf(request: IncomingMessage): URL {
  const target = request.url ?? "/";
  const base = "https://localhost";
  if (!target.startsWith("/") || !URL.canParse(`${base}${target}`)) throw refusals.badRequest("the request target is no path");
  return new URL(`${base}${target}`);
}
