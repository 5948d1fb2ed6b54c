import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PrometheusClient } from "#lib/prometheus/client.ts";
import { serviceYaml, startTestWorld, type TestWorld } from "../actions/test-fleet.ts";
import type { ConsoleContext } from "../context.ts";
import { FleetStore } from "../fleet/live.ts";
import { makeSurroundings } from "../fleet/surroundings.ts";
import { deployment } from "../fleet/test-objects.ts";
import { PanelStore } from "../metrics/panel-store.ts";
import { candidateName, candidateOfLabel } from "../rollouts/engine/run.ts";
import { clearObjective, setObjective } from "./commands.ts";
import { listExportedServices } from "./held.ts";
import { listObjectives, UsageStore } from "./queries.ts";

let world: TestWorld;
let context: ConsoleContext;
const ref = { namespace: "fleet", name: "relay" };
const objective = { availability: 0.99, latencyRatio: null, latencySeconds: null, windowDays: 30 };
const asked: string[] = [];

/** Answers as Prometheus: 1,000 probed requests of the relay in any time, of which 4 failed. */
const prometheus = createServer(async (request, response) => {
  const expr = new URLSearchParams(await text(request)).get("query") ?? "";
  asked.push(expr);
  const sample = (result: string, value: string) => ({
    metric: { namespace: "fleet", target: "relay", result },
    value: [0, value],
  });
  const result = expr.includes("switchyard_probe_requests_total") ? [sample("ok", "996"), sample("timeout", "4")] : [];
  response.end(JSON.stringify({ status: "success", data: { resultType: "vector", result } }));
});

beforeAll(async () => {
  world = await startTestWorld();
  await new Promise<void>((resolve) => prometheus.listen(0, "127.0.0.1", resolve));
  const client = new PrometheusClient({ url: `http://127.0.0.1:${(prometheus.address() as AddressInfo).port}` });
  const fleet = new FleetStore({ now: () => new Date() });
  const workload = deployment();
  workload.metadata.annotations = { "switchyard.dev/slo-availability": "99.9" };
  fleet.applyWorkloads({ upserted: [workload], removed: [] });
  const parts = { prometheus: client, kubernetes: world.kubernetes, now: () => new Date() };
  context = {
    ...world.context,
    prometheus: client,
    fleet,
    panels: new PanelStore(client, () => new Date()),
    surroundings: makeSurroundings({ ...parts, scrapeSeconds: 2 }),
    usage: new UsageStore(client, () => new Date()),
  };
});
afterAll(async () => {
  context?.fleet.close();
  prometheus.close();
  await world?.stop();
});

const relay = async () => (await listObjectives(context)).services["fleet/relay"];

test("the annotations' objective is judged by what the prober saw", async () => {
  const held = await relay();
  expect(held).toMatchObject({ source: "annotations", objective: { availability: 0.999, windowDays: 30 }, problems: [] });
  const [indicator] = held?.indicators ?? [];
  expect(indicator).toMatchObject({ kind: "availability", seenBy: "prober", requests: 1000, ratio: 0.996 });
  expect(indicator?.budgetLeft).toBeCloseTo(-3);
  expect(indicator?.burn["1h"]).toBeCloseTo(4);
});

test("Prometheus is asked once for all who look", async () => {
  const before = asked.length;
  await Promise.all([relay(), relay(), relay()]);
  expect(asked.length).toBe(before);
});

test("what is set in the page comes before the annotations until it is taken away, and both are in the audit", async () => {
  await setObjective(context, ref, { objective, reason: "agreed with the team" });
  expect(await relay()).toMatchObject({ source: "page", objective });
  expect((await relay())?.indicators[0]?.budgetLeft).toBeCloseTo(0.6);
  await clearObjective(context, ref, { reason: "tried enough" });
  expect(await relay()).toMatchObject({ source: "annotations" });
  const entries = await world.db.auditEntry.findMany({ where: { targetKind: "objectives" }, orderBy: { at: "asc" } });
  expect(entries).toMatchObject([
    { verb: "set", targetName: "relay", after: objective, reason: "agreed with the team" },
    { verb: "clear", before: objective, reason: "tried enough" },
  ]);
});

test("refuses what makes no sense, a service that is not there, and who may only look", async () => {
  const bad = { objective: { ...objective, latencyRatio: 0.9 }, reason: "no threshold" };
  await expect(setObjective(context, ref, bad)).rejects.toMatchObject({ code: "invalid-input" });
  const nowhere = { namespace: "fleet", name: "nothing" };
  await expect(setObjective(context, nowhere, { objective, reason: "no such" })).rejects.toMatchObject({ code: "not-found" });
  const viewer = { ...context, actor: { ...context.actor, role: "viewer" as const } };
  await expect(setObjective(viewer, ref, { objective, reason: "may not" })).rejects.toMatchObject({ code: "not-permitted" });
});

test("the alert rules get the objectives that they can judge, who has any, and how many instances are wanted", async () => {
  const annotated = (name: string, threshold: string) =>
    serviceYaml(name).replace(
      "annotations: { team: fleet }",
      `annotations: { switchyard.dev/slo-availability: "99.5", switchyard.dev/slo-latency: "99", switchyard.dev/slo-latency-threshold: ${threshold} }`,
    );
  await world.cluster.create(annotated("relay-a", "50ms"));
  await world.cluster.create(annotated("relay-b", "80ms"));
  await world.cluster.create(serviceYaml("relay-c", { replicas: 0 }));
  await world.cluster.create(serviceYaml("relay-d", { replicas: 0 }));
  const candidate = serviceYaml(candidateName("relay-d"), { replicas: 2 });
  await world.cluster.create(candidate.replace("switchyard.dev/kind: relay }", `${candidateOfLabel}: relay-d }`));
  const services = new Map((await listExportedServices(world.context)).map((one) => [one.service, one]));
  const both = [
    { sli: "availability", ratio: 0.995 },
    { sli: "probe", ratio: 0.995 },
  ];
  const wanted = { kind: "relay", desired: 3, isHeld: true };
  expect(services.get("relay-a")).toMatchObject({ ...wanted, objectives: [...both, { sli: "latency", ratio: 0.99 }] });
  expect(services.get("relay-b")).toMatchObject({ ...wanted, objectives: both });
  expect(services.get("relay-c")).toMatchObject({ desired: 0, isHeld: false, objectives: [] });
  expect(services.get("relay-d")).toMatchObject({ desired: 2 });
  expect(services.has(candidateName("relay-d"))).toBe(false);
});
