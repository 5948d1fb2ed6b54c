import type { V1Deployment } from "@kubernetes/client-node";
import { expect, test } from "@playwright/test";
import { act, kubectl, readDeployment, readService } from "../fleet-api.ts";

test("kubectl rollout undo and the page's rollback leave identical objects", async ({ page }) => {
  // Four rollouts: the objects are compared, not the time that each instance has to stay ready.
  setMinReady(0);
  await rollOutAnother();
  kubectl("-n", "fleet", "rollout", "undo", "deployment/edge");
  kubectl("-n", "fleet", "rollout", "status", "deployment/edge", "--timeout=90s");
  const byKubectl = comparable(await readDeployment("edge"));

  await rollOutAnother();
  const service = await readService(page.request, "edge");
  const answer = await act(page.request, "edge", "rollback", {
    toRevision: 0,
    reason: "compare with kubectl",
    seen: { uid: service.uid, templateHash: service.templateHash },
  });
  expect(answer.status()).toBe(202);
  kubectl("-n", "fleet", "rollout", "status", "deployment/edge", "--timeout=90s");
  const byPage = comparable(await readDeployment("edge"));

  expect(byPage).toEqual(byKubectl);
  setMinReady(3);
});

function setMinReady(seconds: number): void {
  kubectl("-n", "fleet", "patch", "deployment/edge", "-p", JSON.stringify({ spec: { minReadySeconds: seconds } }));
}

async function rollOutAnother(): Promise<void> {
  kubectl("-n", "fleet", "set", "env", "deployment/edge", "EDGE_HOST_SENSOR_INTERVAL_MS=500");
  kubectl("-n", "fleet", "rollout", "status", "deployment/edge", "--timeout=90s");
}

/** The object without what every write changes: its versions, its times, its counters, and the revision numbers. */
function comparable(deployment: V1Deployment) {
  const { metadata, spec } = structuredClone(deployment);
  const annotations = { ...metadata?.annotations };
  delete annotations["deployment.kubernetes.io/revision"];
  delete annotations["deployment.kubernetes.io/revision-history"];
  return { labels: metadata?.labels, annotations, ownerReferences: metadata?.ownerReferences, spec };
}
