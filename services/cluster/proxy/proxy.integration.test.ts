import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createConnection } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import type { WatchEvent } from "../api-client.ts";
import { ServiceProxy } from "./proxy.ts";

type Stored = { metadata: { name: string; namespace?: string; uid: string; resourceVersion: string }; [field: string]: unknown };

const paths = {
  services: "/api/v1/services",
  endpoints: "/api/v1/endpoints",
  slices: "/apis/discovery.k8s.io/v1/endpointslices",
  definitions: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
  virtualServices: "/apis/networking.istio.io/v1/virtualservices",
};

/** Lists and watches of collections in memory, as the API server gives them. */
class MemoryApi {
  readonly #objects = new Map<string, Map<string, Stored>>();
  readonly #watchers = new Map<string, Set<(event: WatchEvent<Stored>) => void>>();
  #version = 1;

  put(path: string, name: string, fields: object, namespace = "fleet"): void {
    const collection = this.#objects.get(path) ?? new Map<string, Stored>();
    this.#objects.set(path, collection);
    const type = collection.has(name) ? "MODIFIED" : "ADDED";
    const metadata = { name, uid: name, resourceVersion: String(++this.#version), ...(namespace ? { namespace } : {}) };
    const object = { ...fields, metadata: { ...metadata, ...(fields as { metadata?: object }).metadata } };
    collection.set(name, object);
    this.#tell(path, { type, object });
  }

  remove(path: string, name: string): void {
    const object = this.#objects.get(path)?.get(name);
    this.#objects.get(path)?.delete(name);
    if (object) this.#tell(path, { type: "DELETED", object });
  }

  async get<T>(target: string): Promise<T> {
    const items = [...(this.#objects.get(target.split("?")[0] ?? "")?.values() ?? [])];
    return { metadata: { resourceVersion: String(this.#version) }, items } as T;
  }

  async *watch<T>(target: string, _: number, signal: AbortSignal): AsyncGenerator<WatchEvent<T>> {
    const path = target.split("?")[0] ?? "";
    const waiting: WatchEvent<Stored>[] = [];
    let wake = () => {};
    const take = (event: WatchEvent<Stored>) => {
      waiting.push(event);
      wake();
    };
    this.#watchers.set(path, (this.#watchers.get(path) ?? new Set()).add(take));
    signal.addEventListener("abort", () => wake());
    while (!signal.aborted) {
      for (const event of waiting.splice(0)) yield event as WatchEvent<T>;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (waiting.length > 0 || signal.aborted) resolve();
      });
    }
    this.#watchers.get(path)?.delete(take);
  }

  #tell(path: string, event: WatchEvent<Stored>): void {
    for (const take of this.#watchers.get(path) ?? []) take(event);
  }
}

const host = "127.78.2.1";
const port = 18_460;
const open: (() => unknown)[] = [];
let api: MemoryApi;
let random: () => number;

beforeEach(async () => {
  api = new MemoryApi();
  random = () => 0;
  for (const name of ["root", "stable", "canary"]) {
    const clusterIP = name === "root" ? host : "None";
    api.put(paths.services, name, { spec: { clusterIP, ports: [{ name: "http", port }] } });
    if (name !== "canary") await addBackend(name, name);
  }
  const proxy = new ServiceProxy(api, createLogger("proxy-test", "silent"), () => random());
  proxy.start();
  open.push(() => proxy.stop());
});

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function addBackend(service: string, name: string, conditions: object = { ready: true }): Promise<void> {
  const server: Server = createServer((_, response) => response.end(name));
  server.listen(0, "127.78.2.2");
  await once(server, "listening");
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  api.put(paths.slices, name, {
    metadata: { labels: { "kubernetes.io/service-name": service } },
    ports: [{ name: "http", port: typeof address === "object" ? address?.port : 0 }],
    endpoints: [{ addresses: ["127.78.2.2"], conditions }],
  });
}

const define = (status = "True") =>
  api.put(
    paths.definitions,
    "virtualservices.networking.istio.io",
    { status: { conditions: [{ type: "Established", status }] } },
    "",
  );
const route = (stable: number, canary: number) =>
  api.put(paths.virtualServices, "root", {
    spec: {
      hosts: ["root"],
      http: [
        {
          route: [
            { destination: { host: "stable" }, weight: stable },
            { destination: { host: "canary" }, weight: canary },
          ],
        },
      ],
    },
  });

async function answer(): Promise<string> {
  const response = await fetch(`http://${host}:${port}/`, { headers: { connection: "close" } }).catch(() => undefined);
  if (!response) return "refused";
  return response.ok ? response.text() : String(response.status);
}

async function until(expected: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (let last = await answer(); last !== expected; last = await answer()) {
    if (performance.now() > deadline) throw new Error(`the answer is ${last} instead of ${expected}`);
  }
}

describe("the service proxy", () => {
  it("refuses while a Service has no endpoint, and listens while it has one", async () => {
    await until("root");
    api.remove(paths.slices, "root");
    await until("refused");
    await addBackend("root", "another");
    await until("another");
    api.remove(paths.services, "root");
    await until("refused");
  });

  it("follows weights from the moment at which the kind of the route is established until it is removed", async () => {
    await until("root");
    route(100, 0);
    define("False");
    await until("root");
    define();
    await until("stable");
    route(0, 100);
    await until("503");
    await addBackend("canary", "canary");
    await until("canary");
    api.remove(paths.definitions, "virtualservices.networking.istio.io");
    await until("root");
  });

  it("listens for a routed Service that has no endpoint of its own", async () => {
    define();
    route(1, 1);
    api.remove(paths.slices, "root");
    await until("stable");
    await addBackend("canary", "canary");
    random = () => 0.5;
    await until("canary");
  });

  it("keeps connections that are open when their Service is deleted or gets a route", async () => {
    await until("root");
    const client = createConnection({ host, port });
    const asked = async () => {
      client.write("GET / HTTP/1.1\r\nHost: root\r\n\r\n");
      return String((await once(client, "data"))[0]);
    };
    expect(await asked()).toContain("root");
    define();
    route(100, 0);
    await until("stable");
    expect(await asked()).toContain("root");
    api.remove(paths.services, "root");
    await until("refused");
    expect(await asked()).toContain("root");
    client.destroy();
  });
});
