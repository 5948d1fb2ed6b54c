import { expect, test } from "vitest";
import { describeTarget } from "./discovery.ts";
import { candidateOf, deployment, type PodOptions, pod, replicaSet } from "./test-objects.ts";

const relay = deployment();

function target(
  options: PodOptions = {},
  annotations: Record<string, string> = { "prometheus.io/scrape": "true", "prometheus.io/port": "9090" },
) {
  const made = pod(replicaSet(relay), "relay-a", options);
  return describeTarget({ ...made, metadata: { ...made.metadata, annotations } }, relay);
}

test("an annotated pod is a target, labelled by what it belongs to", () => {
  expect(target()).toEqual({
    targets: ["127.10.10.2:9090"],
    labels: {
      namespace: "fleet",
      pod: "relay-a",
      service: "relay",
      kind: "relay",
      version: "2.0.0",
      node: "node-1",
      __metrics_path__: "/metrics",
    },
  });
});

test("the service is the workload's name, whatever its pods' labels call the application", () => {
  const release = deployment({ name: "prod-relay" });
  const made = pod(replicaSet(release), "prod-relay-a", {});
  const annotations = { "prometheus.io/scrape": "true", "prometheus.io/port": "9090" };
  const metadata = { ...made.metadata, annotations, labels: { ...made.metadata.labels, "app.kubernetes.io/name": "relay" } };
  expect(describeTarget({ ...made, metadata }, release)?.labels.service).toBe("prod-relay");
});

test("a candidate's pod is one of the service that it stands beside, with a track of its own", () => {
  const made = pod(replicaSet(candidateOf(relay)), "relay-candidate-a");
  const annotations = { "prometheus.io/scrape": "true", "prometheus.io/port": "9090" };
  const labels = {
    namespace: "fleet",
    pod: "relay-candidate-a",
    service: "relay",
    kind: "relay",
    track: "candidate",
    version: "2.1.0",
  };
  for (const workload of [relay, null]) {
    const found = describeTarget({ ...made, metadata: { ...made.metadata, annotations } }, workload)?.labels;
    expect(found).toMatchObject(workload ? labels : { ...labels, kind: "" });
  }
  expect(target()?.labels).not.toHaveProperty("track");
});

test("a pod without annotation, port or address, or that has ended, is none", () => {
  expect(target({}, {})).toBeNull();
  expect(target({}, { "prometheus.io/scrape": "true" })).toBeNull();
  expect(target({ status: { podIP: undefined } })).toBeNull();
  expect(target({ status: { phase: "Succeeded" } })).toBeNull();
});
