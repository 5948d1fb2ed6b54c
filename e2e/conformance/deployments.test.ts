import type { V1ReplicaSet } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls, type Kubectl } from "./kubectl.ts";
import { StandInKubelet } from "./stand-in-kubelet.ts";
import { deployment } from "./workload-manifests.ts";
import { WorkloadSession } from "./workload-session.ts";

let cluster: TestCluster;
let kubelet: StandInKubelet;

beforeAll(async () => {
  cluster = await startTestCluster();
  kubelet = await StandInKubelet.start(cluster.config);
});

afterAll(async () => {
  await kubelet?.stop();
  await cluster?.stop();
});

describe.each(findKubectls())("deployments with kubectl $version and the client library", (kubectl: Kubectl) => {
  const namespace = `deployments-${kubectl.minor}`;
  let on: WorkloadSession;

  beforeAll(async () => {
    on = await WorkloadSession.open(cluster, kubectl, namespace);
  });

  describe("a Deployment", () => {
    const sizesOf = async (name: string) =>
      (await on.list<V1ReplicaSet>("apps/v1", "ReplicaSet", `app=${name}`))
        .map(({ spec }) => [spec?.template?.spec?.containers[0]?.image?.split(":")[1], spec?.replicas] as const)
        .sort();

    it("adds and removes no more pods than surge and unavailable allow, percentages rounded up and down", async () => {
      const rollingUpdate = { maxSurge: "30%", maxUnavailable: "30%" };
      await on.apply(deployment("steps", { replicas: 5, strategy: { rollingUpdate } }));
      await on.rolledOut("deploy/steps");
      await on.k.run(["set", "image", "deploy/steps", "main=demo/web:broken"]);
      await eventually(async () => (await on.deployment("steps")).status?.updatedReplicas === 3, "the rollout is stuck");
      expect(await sizesOf("steps")).toEqual([
        ["1.0.0", 4],
        ["broken", 3],
      ]);
    });

    it("that is scaled in the middle of a rollout grows in proportion", async () => {
      await on.k.run(["scale", "deploy/steps", "--replicas=10"]);
      const isScaled = async () => (await sizesOf("steps")).reduce((sum, [, size]) => sum + (size ?? 0), 0) === 13;
      await eventually(isScaled, "ten and the surge");
      expect(await sizesOf("steps")).toEqual([
        ["1.0.0", 7],
        ["broken", 6],
      ]);
    });

    it("names the deadline that a rollout missed, and recovers by undo", async () => {
      await on.patch("deploy/steps", { spec: { progressDeadlineSeconds: 1 } });
      const refusal = await on.k.refusal(["rollout", "status", "deploy/steps", "--timeout=30s"]);
      expect(refusal).toContain('deployment "steps" exceeded its progress deadline');
      const { status } = await on.deployment("steps");
      expect(status?.conditions?.find(({ type }) => type === "Progressing")).toMatchObject({
        status: "False",
        reason: "ProgressDeadlineExceeded",
      });
      await on.patch("deploy/steps", { spec: { progressDeadlineSeconds: 600 } });
      await on.k.run(["rollout", "undo", "deploy/steps"]);
      await on.rolledOut("deploy/steps");
      expect(await sizesOf("steps")).toEqual([
        ["1.0.0", 10],
        ["broken", 0],
      ]);
      await on.k.run(["delete", "deploy", "steps"]);
    });

    it("with Recreate ends all old pods before it starts a new one", async () => {
      await on.apply(deployment("whole", { replicas: 2, strategy: { type: "Recreate" } }));
      await on.rolledOut("deploy/whole");
      const follow = on.k.follow(["get", "pods", "-l", "app=whole", "-w", "--no-headers"]);
      try {
        await eventually(async () => follow.lines.length >= 2, "the watch runs");
        await on.k.run(["set", "image", "deploy/whole", "main=demo/web:2.0.0"]);
        await on.rolledOut("deploy/whole");
        const old = new Set(follow.lines.slice(0, 2).map((line) => line.split(/\s+/)[0]));
        const firstNew = follow.lines.findIndex((line) => !old.has(line.split(/\s+/)[0]));
        const lastOld = follow.lines.findLastIndex((line) => old.has(line.split(/\s+/)[0]));
        expect(firstNew).toBeGreaterThan(lastOld);
      } finally {
        follow.stop();
      }
    });

    it("keeps no more old ReplicaSets than revisionHistoryLimit", async () => {
      await on.patch("deploy/whole", { spec: { revisionHistoryLimit: 1 } });
      for (const version of ["3.0.0", "4.0.0"]) {
        await on.k.run(["set", "image", "deploy/whole", `main=demo/web:${version}`]);
        await on.rolledOut("deploy/whole");
      }
      await eventually(async () => (await sizesOf("whole")).length === 2, "two ReplicaSets");
      expect(await sizesOf("whole")).toEqual([
        ["3.0.0", 0],
        ["4.0.0", 2],
      ]);
      expect(await on.k.refusal(["rollout", "undo", "deploy/whole", "--to-revision=1"])).toContain(
        "unable to find specified revision 1",
      );
      await on.k.run(["delete", "deploy", "whole"]);
    });

    it("counts a pod as available only after minReadySeconds", async () => {
      await on.apply(deployment("calm", { replicas: 1, minReadySeconds: 2 }));
      const early = await eventually(async () => {
        const current = await on.deployment("calm");
        return current.status?.readyReplicas === 1 && current;
      }, "a ready pod");
      expect(early.status?.availableReplicas ?? 0).toBe(0);
      await on.rolledOut("deploy/calm");
      expect((await on.deployment("calm")).status?.availableReplicas).toBe(1);
      await on.k.run(["delete", "deploy", "calm"]);
    });

    it("with neither surge nor unavailable is refused, and so is a surge with Recreate", async () => {
      const rollingUpdate = { maxSurge: 0, maxUnavailable: 0 };
      const stuck = deployment("stuck", { strategy: { rollingUpdate } });
      expect(await on.k.refusal(["create", "-f", "-"], JSON.stringify(stuck))).toContain(
        "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
      );
      const mixed = deployment("mixed", { strategy: { type: "Recreate", rollingUpdate: { maxSurge: 1 } } });
      expect(await on.k.refusal(["create", "-f", "-"], JSON.stringify(mixed))).toContain(
        "may not be specified when strategy `type` is 'Recreate'",
      );
    });

    it("deletes the pod with the lowest deletion cost first", async () => {
      await on.apply(deployment("ranked", { replicas: 3 }));
      await on.rolledOut("deploy/ranked");
      const [cheap = "", ...others] = await on.podNames("ranked");
      await on.k.run(["annotate", "pod", cheap, "controller.kubernetes.io/pod-deletion-cost=-5"]);
      await on.k.run(["scale", "deploy/ranked", "--replicas=2"]);
      await eventually(async () => (await on.podNames("ranked")).length === 2, "two pods");
      expect(await on.podNames("ranked")).toEqual(others);
      await on.k.run(["delete", "deploy", "ranked"]);
    });
  });
});
