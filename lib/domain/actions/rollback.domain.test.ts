import { execFile, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { paths, type Workload, type WorkloadKind } from "#lib/kubernetes/objects.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import type { Context } from "../context.ts";
import { canonicalTemplate, presentRevision } from "../fleet/template.ts";
import { performAction } from "./commands.ts";
import { readTarget } from "./target.ts";
import { serviceYaml, startTestWorld, type TestWorld } from "./test-fleet.ts";

const run = promisify(execFile);
const hasKubectl = spawnSync("kubectl", ["version", "--client"]).status === 0;

let world: TestWorld;
let cluster: TestWorld["cluster"];
let kubernetes: KubernetesClient;
let context: Context;

beforeAll(async () => {
  world = await startTestWorld();
  ({ cluster, kubernetes, context } = world);
});
afterAll(() => world?.stop());

/** Three revisions with change causes, the same for every service. */
async function makeHistory(kind: WorkloadKind, name: string) {
  const ref = { namespace: "fleet", name };
  const path = paths.workload(kind, ref.namespace, name);
  await cluster.create(serviceYaml(name, { kind }));
  for (const [index, image] of ["switchyard/relay:2.1.0", "switchyard/relay:2.2.0"].entries()) {
    await untilRevision(ref, index + 1);
    await kubernetes.patch(path, [
      { op: "replace", path: "/spec/template/spec/containers/0/image", value: image },
      { op: "add", path: "/metadata/annotations/kubernetes.io~1change-cause", value: `to ${image}` },
    ]);
  }
  return { ref, target: await untilRevision(ref, 3) };
}

function untilRevision(ref: { namespace: string; name: string }, revision: number) {
  return until(`revision ${revision} of ${ref.name}`, async () => {
    const target = await readTarget(context, ref);
    const observed = target.workload.status?.observedGeneration === target.workload.metadata.generation;
    return presentRevision(target.workload, target.revisions) === revision && observed && target.templateHash !== ""
      ? target
      : undefined;
  });
}

function comparable({ metadata, spec }: Workload) {
  const { template, ...rest } = spec;
  const text = JSON.stringify({
    annotations: metadata.annotations,
    labels: metadata.labels,
    rest,
    template: canonicalTemplate(template),
  });
  return JSON.parse(text.replaceAll(metadata.name, "NAME"));
}

const cases = (["Deployment", "StatefulSet"] as const).flatMap((kind) => [0, 1, 2].map((toRevision) => ({ kind, toRevision })));

test.skipIf(!hasKubectl).for(cases)(
  "a rollback of a $kind to revision $toRevision leaves what `kubectl rollout undo` leaves",
  async ({ kind, toRevision }) => {
    const suffix = randomUUID().slice(0, 8);
    const [byKubectl, byAction] = await Promise.all([
      makeHistory(kind, `kubectl-${suffix}`),
      makeHistory(kind, `action-${suffix}`),
    ]);
    const undo = ["rollout", "undo", `${kind}/${byKubectl.ref.name}`, `--to-revision=${toRevision}`, "-n", "fleet"];
    await run("kubectl", ["--kubeconfig", cluster.kubeconfig, ...undo]);
    const seen = { uid: byAction.target.workload.metadata.uid, templateHash: byAction.target.templateHash };
    const body = { toRevision, reason: "compared with kubectl", seen };
    await performAction(context, { verb: "rollback", ref: byAction.ref, body, key: randomUUID() });
    const [left, right] = await Promise.all([untilRevision(byKubectl.ref, 4), untilRevision(byAction.ref, 4)]);
    expect(comparable(right.workload)).toEqual(comparable(left.workload));
    expect(right.workload.spec.template.spec.containers[0]?.image).toBe(
      toRevision === 1 ? "switchyard/relay:2.0.0" : "switchyard/relay:2.1.0",
    );
  },
);
