import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import type { WorkloadKind } from "#lib/kubernetes/objects.ts";
import { TestCluster } from "#lib/kubernetes/test-cluster.ts";
import { namespaceYaml, serviceYaml } from "../actions/test-fleet.ts";
import { fetchWorkload, findWorkload } from "./fresh.ts";

let cluster: TestCluster;
let kubernetes: KubernetesClient;
beforeAll(async () => {
  cluster = await TestCluster.start();
  kubernetes = cluster.client();
  await cluster.create(namespaceYaml);
});
afterAll(async () => {
  kubernetes?.close();
  await cluster?.stop();
});

const unmanaged = (name: string, kind: WorkloadKind) => serviceYaml(name, { kind }).replace("switchyard.dev/kind: relay", "");

test("of a Deployment and a StatefulSet of one name the managed one is fetched, of two unmanaged ones the Deployment", async () => {
  for (const kind of ["Deployment", "StatefulSet"] as const) await cluster.create(unmanaged("neither", kind));
  await cluster.create(unmanaged("stateful", "Deployment"));
  await cluster.create(serviceYaml("stateful", { kind: "StatefulSet" }));
  await cluster.create(serviceYaml("deployed"));
  await cluster.create(unmanaged("deployed", "StatefulSet"));
  await cluster.create(unmanaged("alone", "StatefulSet"));
  const kindOf = async (name: string) => (await fetchWorkload(kubernetes, { namespace: "fleet", name })).kind;
  const names = ["neither", "stateful", "deployed", "alone"];
  expect(await Promise.all(names.map(kindOf))).toEqual(["Deployment", "StatefulSet", "Deployment", "StatefulSet"]);
});

test("a name that nothing has is an error, or nothing for who only looks", async () => {
  const ref = { namespace: "fleet", name: "nothing" };
  await expect(fetchWorkload(kubernetes, ref)).rejects.toMatchObject({ status: 404 });
  expect(await findWorkload(kubernetes, ref)).toBeNull();
});
