import { afterEach, beforeEach, describe, it } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import { resources } from "../../api.ts";
import type { Service } from "../objects.ts";
import { startControllers } from "../start.ts";
import { eventually } from "../test/eventually.ts";
import { FakeTime } from "../test/fake-time.ts";
import { MemoryCluster } from "../test/memory-cluster.ts";
import { httpRoutes } from "./controller.ts";
import type { HttpRoute } from "./plan.ts";

const namespace = "fleet";
let cluster: MemoryCluster;
let controllers: { stop(): Promise<void> };

beforeEach(() => {
  const time = new FakeTime();
  cluster = new MemoryCluster(time);
  controllers = startControllers({ cluster, logger: createLogger("routes-test", "silent"), clock: time, timers: time });
});
afterEach(() => controllers.stop());

const createService = (name: string) =>
  cluster.create<Service>(resources.services, {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace },
    spec: { clusterIP: "127.11.0.9", ports: [{ port: 80 }] },
  });

const createRoute = () =>
  cluster.create<HttpRoute>(httpRoutes, {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "relay", namespace },
    spec: {
      parentRefs: [{ group: "", kind: "Service", name: "relay" }],
      rules: [{ backendRefs: [{ name: "relay-canary", port: 80 }] }],
    },
  });

const untilReasons = (...expected: string[]) =>
  eventually(expected.join(), () => {
    const route = cluster.get<HttpRoute>(httpRoutes, namespace, "relay");
    const reasons = route?.status?.parents[0]?.conditions?.map(({ reason }) => reason);
    return reasons?.join() === expected.join();
  });

describe("the controller of routes", () => {
  it("reports on a route when it is made, and again when its Services come and go", async () => {
    await createRoute();
    await untilReasons("NoMatchingParent", "BackendNotFound");
    await createService("relay");
    await untilReasons("Accepted", "BackendNotFound");
    await createService("relay-canary");
    await untilReasons("Accepted", "ResolvedRefs");
    await cluster.delete(resources.services, namespace, "relay-canary");
    await untilReasons("Accepted", "BackendNotFound");
  });
});
