import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Backoff } from "#lib/runtime/backoff.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { KubernetesClient } from "./client.ts";
import type { Pod } from "./objects.ts";
import { type Changes, Reflector, type ReflectorOptions } from "./reflector.ts";
import { TestCluster, until } from "./test-cluster.ts";

function reflect(client: KubernetesClient, options: Partial<ReflectorOptions<Pod>> = {}) {
  const changes: Changes<Pod>[] = [];
  const states: string[] = [];
  const reflector: Reflector<Pod> = new Reflector<Pod>({
    client,
    path: "/api/v1/pods",
    trim: (pod) => pod,
    onChanges: (change) => changes.push(change),
    onState: () => states.push(reflector.state.state),
    backoff: new Backoff({ initialMs: 10, maxMs: 50 }),
    logger: createLogger("test", "silent"),
    staleAfterMs: 100,
    ...options,
  });
  reflector.start();
  return { reflector, changes, states };
}

describe("against a server that misbehaves", () => {
  let server: Server;
  let client: KubernetesClient;
  let handle: (request: IncomingMessage, response: ServerResponse) => void;
  let asked: URL[];

  beforeEach(async () => {
    asked = [];
    server = createServer((request, response) => {
      asked.push(new URL(request.url ?? "/", "http://localhost"));
      handle(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: "test", server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, skipTLSVerify: true },
      { name: "test" },
    );
    client = new KubernetesClient(config);
  });

  afterEach(async () => {
    client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const isWatch = (request: IncomingMessage) => request.url?.includes("watch=true") ?? false;
  const pod = (name: string, resourceVersion: string) => ({
    metadata: { namespace: "fleet", name, uid: name, resourceVersion, creationTimestamp: "2026-11-01T00:00:00Z" },
    spec: { containers: [] },
  });
  const list = (response: ServerResponse, resourceVersion: string, ...items: object[]) =>
    response.end(JSON.stringify({ metadata: { resourceVersion }, items }));
  const send = (response: ServerResponse, event: object) => response.write(`${JSON.stringify(event)}\n`);

  test("410 lists again at once, and what went meanwhile is removed", async () => {
    let lists = 0;
    handle = (request, response) => {
      if (isWatch(request)) {
        if (lists === 1) send(response, { type: "ERROR", object: { code: 410, reason: "Expired", message: "too old" } });
        return;
      }
      lists += 1;
      list(response, String(lists * 100), ...(lists === 1 ? [pod("a", "1"), pod("b", "2")] : [pod("b", "150")]));
    };
    const { reflector, states } = reflect(client);
    await until("the second list is there", () => reflector.items.get("fleet/b")?.metadata.resourceVersion === "150");
    expect([...reflector.items.keys()]).toEqual(["fleet/b"]);
    expect(states).toEqual(["connected"]);
    await reflector.stop();
  });

  test("a watch that ends goes on from the last resourceVersion that it has seen, bookmarks included", async () => {
    let watches = 0;
    handle = (request, response) => {
      if (!isWatch(request)) return list(response, "100", pod("a", "50"));
      watches += 1;
      if (watches > 1) return response.flushHeaders();
      send(response, { type: "MODIFIED", object: pod("a", "101") });
      send(response, { type: "BOOKMARK", object: { metadata: { resourceVersion: "170" } } });
      response.end();
    };
    const { reflector } = reflect(client);
    await until("it watches again", () => watches === 2);
    const versions = asked
      .filter(({ searchParams }) => searchParams.has("watch"))
      .map(({ searchParams }) => searchParams.get("resourceVersion"));
    expect(versions).toEqual(["100", "170"]);
    expect(asked.filter(({ searchParams }) => !searchParams.has("watch"))).toHaveLength(1);
    await reflector.stop();
  });

  test("a watch that goes silent is given up after its time, and the next one delivers", async () => {
    let watches = 0;
    handle = (request, response) => {
      if (!isWatch(request)) return list(response, "100");
      watches += 1;
      response.flushHeaders();
      if (watches > 1) send(response, { type: "ADDED", object: pod("late", "101") });
    };
    const { reflector } = reflect(client, { watchSeconds: 0.1, graceSeconds: 0.1 });
    await until("the second watch delivers", () => reflector.items.has("fleet/late"));
    await reflector.stop();
  });

  test("a server that goes away makes the feed stale, keeps what is known, and a return makes it current", async () => {
    let broken = false;
    let open: ServerResponse | undefined;
    handle = (request, response) => {
      if (broken) return response.writeHead(500).end('{"message":"the store is away"}');
      if (!isWatch(request)) return list(response, "100", pod("a", "50"));
      open = response;
      response.flushHeaders();
    };
    const { reflector, states } = reflect(client);
    await until("it watches", () => open);
    broken = true;
    open?.destroy();
    await until("it is stale", () => reflector.state.state === "stale");
    expect(reflector.state.lastError).toContain("the store is away");
    expect(reflector.items.size).toBe(1);
    broken = false;
    await until("it is connected", () => reflector.state.state === "connected");
    expect(states.filter((state, index) => state !== states[index - 1])).toEqual(["connected", "stale", "connected"]);
    await reflector.stop();
  });

  test("a watch that worked and was then cut is no failure in a row: nothing is listed again, nothing is stale", async () => {
    let watches = 0;
    handle = (request, response) => {
      if (!isWatch(request)) return list(response, "100");
      watches += 1;
      response.flushHeaders();
      if (watches <= 5) setTimeout(() => response.destroy(), 120);
    };
    const { reflector, states } = reflect(client, { steadyAfterMs: 60 });
    await until("it watches for the sixth time", () => watches === 6);
    expect(asked.filter(({ searchParams }) => !searchParams.has("watch"))).toHaveLength(1);
    expect(states).toEqual(["connected"]);
    await reflector.stop();
  });

  test("while much waits nothing is read, and then all of it arrives", async () => {
    const count = 1500;
    handle = (request, response) => {
      if (!isWatch(request)) return list(response, "100");
      for (let index = 0; index < count; index += 1) {
        const large = { ...pod(`pod-${index}`, String(101 + index)), filler: "x".repeat(50_000) };
        send(response, { type: "ADDED", object: large });
      }
    };
    const { reflector } = reflect(client);
    await until("all are there", () => reflector.items.size === count);
    expect(new Set([...reflector.items.values()].map(({ metadata }) => metadata.name)).size).toBe(count);
    await reflector.stop();
  });

  test("a resource that the cluster does not serve is empty and no failure", async () => {
    handle = (_, response) => response.writeHead(404).end('{"reason":"NotFound","message":"no such resource"}');
    const { reflector } = reflect(client);
    await until("it knows", () => reflector.state.state === "not-served");
    expect(reflector.items.size).toBe(0);
    await reflector.stop();
  });

  test("a list comes in pages, all of one resourceVersion", async () => {
    handle = (request, response) => {
      if (isWatch(request)) return response.flushHeaders();
      const isSecond = request.url?.includes("continue=more");
      response.end(
        JSON.stringify({
          metadata: { resourceVersion: "9", ...(isSecond ? {} : { continue: "more" }) },
          items: [pod(isSecond ? "b" : "a", "1")],
        }),
      );
    };
    const { reflector } = reflect(client);
    await until("both pages are there", () => reflector.items.size === 2);
    await reflector.stop();
  });
});

describe("against the local cluster", () => {
  test("follows objects, and finds what changed while the server was killed", async () => {
    const cluster = await TestCluster.start();
    const client = cluster.client();
    try {
      const { reflector } = reflect(client, { path: "/api/v1/configmaps" });
      const configMap = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, namespace: default }\n`;
      await until("it is connected", () => reflector.state.state === "connected");
      await cluster.create(configMap("first"));
      await until("the first is there", () => reflector.items.has("default/first"));
      await cluster.killServer();
      await until("it is stale", () => reflector.state.state === "stale");
      await cluster.startServer();
      await cluster.create(configMap("second"));
      await until("the second is there", () => reflector.items.has("default/second"));
      expect(reflector.state.state).toBe("connected");
      await reflector.stop();
    } finally {
      client.close();
      await cluster.stop();
    }
  });
});
