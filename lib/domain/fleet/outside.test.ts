import { expect, it } from "vitest";
import type { ScrapeTarget } from "#lib/prometheus/client.ts";
import { findNode } from "../metrics/hosts.ts";
import { describeOutside } from "./outside.ts";

function target(labels: Record<string, string>, rest: Partial<ScrapeTarget> = {}): ScrapeTarget {
  const lastScrapeAt = "2026-11-21T10:00:00.000Z";
  return { labels: { job: "edges", ...labels }, scrapePool: "edges", health: "up", lastError: "", lastScrapeAt, ...rest };
}

it("takes targets with a service label that are no pods, grouped by namespace and service", () => {
  const services = describeOutside([
    target({ service: "relay", namespace: "fleet", pod: "relay-1", instance: "10.0.0.1:9090" }),
    target({ instance: "10.0.0.9:9100" }),
    target({ service: "edge", namespace: "plant", kind: "edge", instance: "edge-2:8080", version: "1.4.0" }),
    target({ service: "edge", namespace: "plant", kind: "edge", instance: "edge-1:8080" }),
    target({ service: "edge", instance: "edge-9:8080" }),
  ]);
  expect(services.map(({ id, kind, instances }) => [id, kind, instances.map(({ address }) => address)])).toEqual([
    ["outside/edge", "", ["edge-9:8080"]],
    ["plant/edge", "edge", ["edge-1:8080", "edge-2:8080"]],
  ]);
  expect(services[1]?.instances[1]).toMatchObject({ version: "1.4.0", job: "edges", state: "up", lastError: null });
});

it.each([
  [["up", "up"], "healthy", "All 2 answer Prometheus."],
  [["up", "down"], "degraded", "1 of 2 does not answer Prometheus: connection refused"],
  [["down", "down"], "down", "2 of 2 do not answer Prometheus: connection refused"],
  [["unknown"], "unknown", "Prometheus has not scraped it yet."],
] as const)("judges %j as %s", (states, health, healthReason) => {
  const targets = states.map((state, index) =>
    target(
      { service: "edge", instance: `edge-${index}` },
      { health: state, lastError: state === "down" ? "connection refused" : "" },
    ),
  );
  expect(describeOutside(targets)[0]).toMatchObject({ health, healthReason });
});

it("finds the node that an exporter speaks of by its label, its name or one of its addresses", () => {
  const node = (name: string, address: string) => ({
    metadata: { name, uid: name, resourceVersion: "1", creationTimestamp: "" },
    status: { addresses: [{ type: "InternalIP", address }] },
  });
  const nodes = [node("node-1", "10.0.0.1"), node("node-2", "fd00::2")];
  expect(findNode(nodes, { node: "node-2", instance: "10.0.0.1:9100" })).toBe("node-2");
  expect(findNode(nodes, { instance: "10.0.0.1:9100" })).toBe("node-1");
  expect(findNode(nodes, { instance: "[fd00::2]:9100" })).toBe("node-2");
  expect(findNode(nodes, { instance: "node-2:9100" })).toBe("node-2");
  expect(findNode(nodes, { instance: "elsewhere:9100" })).toBeNull();
});
