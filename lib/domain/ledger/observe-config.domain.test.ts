import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConfigObject, paths } from "#lib/kubernetes/objects.ts";
import { startTestWorld, type TestWorld } from "../actions/test-fleet.ts";
import type { ServiceRef } from "../fleet/schemas.ts";
import { deployService } from "../rollouts/test-rollouts.ts";
import { observeConfig } from "./observe-config.ts";
import { listLedger } from "./queries.ts";

let world: TestWorld;
beforeAll(async () => {
  world = await startTestWorld();
});
afterAll(() => world?.stop());

/** Two controllers at once. */
const observe = () => Promise.all([observeConfig(world.context), observeConfig(world.context)]);
const pathOf = (kind: ConfigObject["kind"], name: string) => `${paths.configOf(kind, "fleet")}/${name}`;
const put = (kind: ConfigObject["kind"], name: string, key: string, value: string) =>
  world.kubernetes.patch<ConfigObject>(pathOf(kind, name), [{ op: "add", path: `/data/${key}`, value }]);
async function marksOf(ref: ServiceRef) {
  const now = Math.floor(Date.now() / 1000);
  const { marks } = await listLedger(world.context, ref, { from: now - 3600, to: now + 60 });
  return marks.map(({ verb, title, actorKind }) => ({ verb, title, actorKind }));
}

test("a change of what a service reads is recorded once with its keys, and no value of it is kept", async () => {
  const { ref } = await deployService(world, { replicas: 1 });
  await observe();
  expect(await marksOf(ref)).toEqual([]);
  await put("ConfigMap", `${ref.name}-settings`, "limit", "20");
  await observe();
  await observe();
  expect(await marksOf(ref)).toEqual([{ verb: "config", title: `ConfigMap ${ref.name}-settings: limit`, actorKind: "external" }]);
  await put("Secret", `${ref.name}-secrets`, "token", Buffer.from("rosebud-12345").toString("base64"));
  await put("Secret", `${ref.name}-secrets`, "other", Buffer.from("more").toString("base64"));
  await observe();
  expect((await marksOf(ref)).at(-1)).toEqual({
    verb: "config",
    title: `Secret ${ref.name}-secrets: other, token`,
    actorKind: "external",
  });
  const kept = JSON.stringify([await world.db.observedConfig.findMany(), await world.db.auditEntry.findMany()]);
  for (const value of ["rosebud-12345", Buffer.from("rosebud-12345").toString("base64")]) expect(kept).not.toContain(value);
});

test("a change of what is no content is none, and one that is made by replacing the object is one", async () => {
  const { ref } = await deployService(world, { replicas: 1 });
  const name = `${ref.name}-settings`;
  await observe();
  await world.kubernetes.patch(pathOf("ConfigMap", name), [{ op: "add", path: "/metadata/labels", value: { team: "fleet" } }]);
  await observe();
  expect(await marksOf(ref)).toEqual([]);
  const { metadata } = await world.kubernetes.get<ConfigObject>(pathOf("ConfigMap", name));
  await world.kubernetes.remove(pathOf("ConfigMap", name), metadata);
  await observe();
  await world.cluster.create(`
apiVersion: v1
kind: ConfigMap
metadata: { name: ${name}, namespace: fleet }
data: { greeting: goodbye }
`);
  await observe();
  expect(await marksOf(ref)).toEqual([{ verb: "config", title: `ConfigMap ${name}: greeting, limit`, actorKind: "external" }]);
});
