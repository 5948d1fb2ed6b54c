import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Pod, paths } from "#lib/kubernetes/objects.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { serviceYaml, startTestWorld, type TestWorld } from "../../actions/test-fleet.ts";
import { reportIncident } from "../opening/report.ts";
import { writeRestarts } from "./follow.ts";

let world: TestWorld;
beforeAll(async () => {
  world = await startTestWorld();
});
afterAll(() => world?.stop());

test("restarts of a service's instances come into its incident's timeline, each once, and a service that is gone has none", async () => {
  const name = `relay-${randomUUID().slice(0, 8)}`;
  await world.cluster.create(serviceYaml(name, { replicas: 1 }));
  const pod = await until("its pod is there", async () => {
    const pods = await world.kubernetes.list<Pod>(paths.podsOf("fleet"), { labelSelector: `app=${name}` });
    return pods[0];
  });
  const services = [
    { namespace: "fleet", name },
    { namespace: "fleet", name: "gone" },
  ];
  const { id } = await reportIncident(world.context, { title: "It restarts", severity: "P2", services }, randomUUID());
  const look = async () => {
    const [a, b] = await Promise.all([writeRestarts(world.context), writeRestarts(world.context)]);
    return a + b;
  };
  const restart = (restartCount: number) => {
    const terminated = {
      exitCode: 137,
      reason: "OOMKilled",
      finishedAt: new Date().toISOString(),
      startedAt: new Date().toISOString(),
    };
    const container = {
      name: "relay",
      ready: true,
      image: "relay",
      imageID: "",
      restartCount,
      lastState: { terminated },
      state: {},
    };
    return world.kubernetes.patch(`${paths.podsOf("fleet")}/${pod.metadata.name}/status`, [
      { op: "add", path: "/status/containerStatuses", value: [container] },
    ]);
  };
  expect(await look()).toBe(0);
  await restart(1);
  expect(await look()).toBe(1);
  expect(await look()).toBe(0);
  await restart(2);
  expect(await look()).toBe(1);
  const rows = await world.db.incidentEvent.findMany({ where: { incidentId: id, kind: "restart" }, orderBy: { at: "asc" } });
  expect(rows.map(({ message }) => message)).toEqual([
    `${pod.metadata.name} restarted (1st time): its container relay ended with exit code 137 (OOMKilled).`,
    `${pod.metadata.name} restarted (2nd time): its container relay ended with exit code 137 (OOMKilled).`,
  ]);
});
