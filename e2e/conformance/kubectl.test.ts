import type { V1ConfigMap, V1Deployment, V1Pod, V1PodList, V1ReplicaSetList, V1Secret, V1Service } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls, type Kubectl, KubectlSession } from "./kubectl.ts";
import { configMapManifest, deploymentManifest } from "./manifests.ts";
import { StandInKubelet } from "./stand-in-kubelet.ts";

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

const kubectls = findKubectls();

it("finds at least one kubectl on this machine", () => {
  expect(kubectls.length).toBeGreaterThan(0);
});

describe.each(kubectls)("kubectl $version", (kubectl: Kubectl) => {
  const namespace = `conformance-${kubectl.minor}`;
  let k: KubectlSession;

  beforeAll(async () => {
    k = new KubectlSession(kubectl, cluster.kubeconfigPath, namespace);
    await k.run(["create", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } }));
  });

  describe("discovery", () => {
    it("names every served resource with its short names", async () => {
      const output = await k.run(["api-resources", "--no-headers"]);
      for (const name of ["pods", "deployments", "replicasets", "endpointslices", "leases", "configmaps"]) {
        expect(output).toMatch(new RegExp(`^${name}\\s`, "m"));
      }
      expect(output).toMatch(/^deployments\s+deploy\s/m);
      expect(output).not.toMatch(/runtimeclasses/);
    });

    it("tells the server's version", async () => {
      expect(await k.run(["version", "-o", "json"])).toContain('"gitVersion": "v1.32');
    });

    it("refuses a kind that is not served", async () => {
      expect(await k.refusal(["get", "runtimeclasses"])).toContain(`the server doesn't have a resource type "runtimeclasses"`);
    });

    it("answers what the caller may do", async () => {
      expect((await k.run(["auth", "can-i", "delete", "pods"])).trim()).toBe("yes");
    });
  });

  describe("objects", () => {
    it("creates, shows and deletes a config map", async () => {
      expect(await k.run(["create", "-f", "-"], configMapManifest("one", { a: "1", b: "2" }))).toBe("configmap/one created\n");
      expect(await k.run(["get", "configmap", "one", "--no-headers"])).toMatch(/^one\s+2\s+\d+s\n$/);
      expect((await k.json<V1ConfigMap>(["get", "cm", "one"])).data).toEqual({ a: "1", b: "2" });
      expect(await k.run(["get", "cm", "one", "-o", "yaml"])).toContain("kind: ConfigMap");
      expect(await k.run(["delete", "cm", "one"])).toBe('configmap "one" deleted\n');
    });

    it("creates what kubectl makes from arguments", async () => {
      expect(await k.run(["create", "configmap", "from-literal", "--from-literal=x=y"])).toBe("configmap/from-literal created\n");
      expect(await k.run(["create", "secret", "generic", "hidden", "--from-literal=password=s3cret"])).toBe(
        "secret/hidden created\n",
      );
      expect((await k.json<V1ConfigMap>(["get", "cm", "from-literal"])).data).toEqual({ x: "y" });
      const secret = await k.json<V1Secret>(["get", "secret", "hidden"]);
      expect(secret.type).toBe("Opaque");
      expect(Buffer.from(secret.data?.password ?? "", "base64").toString()).toBe("s3cret");
    });

    it("keeps stringData of a secret as data", async () => {
      const manifest = { apiVersion: "v1", kind: "Secret", metadata: { name: "plain" }, stringData: { key: "value" } };
      await k.run(["apply", "-f", "-"], JSON.stringify(manifest));
      const secret = await k.json<V1Secret & { stringData?: unknown }>(["get", "secret", "plain"]);
      expect(secret.data).toEqual({ key: Buffer.from("value").toString("base64") });
      expect(secret.stringData).toBeUndefined();
    });

    it("gives a service an address, keeps None, and describes it", async () => {
      const service = (name: string, spec: object) =>
        JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name }, spec });
      await k.run(["apply", "-f", "-"], service("plain", { selector: { app: "x" }, ports: [{ port: 80 }] }));
      await k.run(
        ["apply", "-f", "-"],
        service("headless", { clusterIP: "None", selector: { app: "x" }, ports: [{ port: 80 }] }),
      );
      const plain = await k.json<V1Service>(["get", "svc", "plain"]);
      expect(plain.spec).toMatchObject({ type: "ClusterIP", sessionAffinity: "None", internalTrafficPolicy: "Cluster" });
      expect(plain.spec?.clusterIP).toMatch(/^127\.\d+\.\d+\.\d+$/);
      expect(plain.spec?.ports).toEqual([{ port: 80, protocol: "TCP", targetPort: 80 }]);
      expect(await k.run(["get", "svc", "headless", "--no-headers"])).toMatch(
        /^headless\s+ClusterIP\s+None\s+<none>\s+80\/TCP\s/,
      );
      expect(await k.run(["describe", "svc", "plain"])).toMatch(/IP:\s+127\.\d+\./);
    });

    it("labels, annotates and selects", async () => {
      await k.run(["create", "-f", "-"], configMapManifest("marked", {}));
      await k.run(["label", "cm", "marked", "tier=front"]);
      expect(await k.refusal(["label", "cm", "marked", "tier=back"])).toContain("--overwrite is false");
      await k.run(["label", "cm", "marked", "tier=back", "--overwrite"]);
      await k.run(["annotate", "cm", "marked", "note=hello"]);
      const { metadata } = await k.json<V1ConfigMap>(["get", "cm", "marked"]);
      expect(metadata?.labels).toEqual({ tier: "back" });
      expect(metadata?.annotations).toEqual({ note: "hello" });
      expect(await k.run(["get", "cm", "-l", "tier in (back,side)", "-o", "name"])).toBe("configmap/marked\n");
      expect(await k.run(["get", "cm", "-l", "tier notin (back),tier", "-o", "name"])).toBe("");
      expect(await k.run(["get", "cm", "--field-selector", "metadata.name=marked", "-o", "name"])).toBe("configmap/marked\n");
      await k.run(["label", "cm", "marked", "tier-"]);
      expect((await k.json<V1ConfigMap>(["get", "cm", "marked"])).metadata?.labels).toBeUndefined();
    });

    it("sends changes to get --watch as table rows", async () => {
      const watch = k.follow(["get", "cm", "-w", "--no-headers", "-l", "watched=yes"]);
      try {
        const manifest = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "seen", labels: { watched: "yes" } } };
        await k.run(["create", "-f", "-"], JSON.stringify(manifest));
        await k.run(["patch", "cm", "seen", "--type=merge", "-p", '{"data":{"k":"v"}}']);
        await eventually(async () => watch.lines.some((line) => /^seen\s+0\s/.test(line)), "the row of the new object");
        await eventually(async () => watch.lines.some((line) => /^seen\s+1\s/.test(line)), "the row of the changed object");
      } finally {
        watch.stop();
      }
    });

    it("changes nothing on a server-side dry run", async () => {
      const manifest = configMapManifest("imagined", {});
      expect(await k.run(["create", "--dry-run=server", "-f", "-"], manifest)).toContain("created (server dry run)");
      expect(await k.refusal(["get", "cm", "imagined"])).toContain("NotFound");
    });

    it("says that server-side apply is not there", async () => {
      const refusal = await k.refusal(["apply", "--server-side", "-f", "-"], configMapManifest("ssa", {}));
      expect(refusal).toMatch(/Server-side apply not available|unknown format|UnsupportedMediaType/);
    });
  });

  describe("refusals", () => {
    it("names what was not found", async () => {
      expect(await k.refusal(["get", "pod", "nobody"])).toBe('Error from server (NotFound): pods "nobody" not found\n');
      expect(await k.refusal(["get", "deploy", "nobody"])).toBe(
        'Error from server (NotFound): deployments.apps "nobody" not found\n',
      );
    });

    it("does not create in a namespace that does not exist", async () => {
      const manifest = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x", namespace: "nowhere" } };
      const refusal = await k.refusal(["-n", "nowhere", "create", "-f", "-"], JSON.stringify(manifest));
      expect(refusal).toContain('namespaces "nowhere" not found');
    });

    it("does not create the same name twice", async () => {
      await k.run(["create", "-f", "-"], configMapManifest("twice", {}));
      const refusal = await k.refusal(["create", "-f", "-"], configMapManifest("twice", {}));
      expect(refusal).toContain(
        'Error from server (AlreadyExists): error when creating "STDIN": configmaps "twice" already exists',
      );
    });

    it("refuses an update of an older version as a conflict", async () => {
      await k.run(["create", "-f", "-"], configMapManifest("contested", {}));
      const before = await k.run(["get", "cm", "contested", "-o", "json"]);
      await k.run(["label", "cm", "contested", "winner=first"]);
      expect(await k.refusal(["replace", "-f", "-"], before)).toContain(
        "the object has been modified; please apply your changes to the latest version and try again",
      );
    });

    it("names every field that is invalid", async () => {
      const manifest = deploymentManifest({ name: "bad" })
        .replace("name: main", "name: Main")
        .replace("containerPort: 8080", "containerPort: 99999");
      const refusal = await k.refusal(["create", "-f", "-"], manifest);
      expect(refusal).toContain('The Deployment "bad" is invalid');
      expect(refusal).toContain('spec.template.spec.containers[0].name: Invalid value: "Main": a lowercase RFC 1123 label');
      expect(refusal).toContain(
        "spec.template.spec.containers[0].ports[0].containerPort: Invalid value: 99999: must be between 1 and 65535, inclusive",
      );
    });

    it("refuses a selector that does not match the template, and a change of it", async () => {
      const mismatch = deploymentManifest({ name: "odd" }).replace("matchLabels: { app: odd }", "matchLabels: { app: other }");
      expect(await k.refusal(["create", "-f", "-"], mismatch)).toContain("`selector` does not match template `labels`");
      await k.run(["create", "-f", "-"], deploymentManifest({ name: "fixed", replicas: 0 }));
      const patch = '{"spec":{"selector":{"matchLabels":{"app":"other"}},"template":{"metadata":{"labels":{"app":"other"}}}}}';
      expect(await k.refusal(["patch", "deploy", "fixed", "-p", patch])).toContain("field is immutable");
    });

    it("refuses a field of the wrong type", async () => {
      const manifest = deploymentManifest({ name: "typed" }).replace("replicas: 2", "replicas: two");
      expect(await k.refusal(["create", "--validate=false", "-f", "-"], manifest)).toMatch(
        /cannot unmarshal string|cannot be handled as a Deployment/,
      );
    });

    it("refuses to change a running pod's command", async () => {
      await k.run(["run", "fixed-pod", "--image=demo/web:1.0.0", "--restart=Never"]);
      const patch = '[{"op":"add","path":"/spec/containers/0/command","value":["sh"]}]';
      expect(await k.refusal(["patch", "pod", "fixed-pod", "--type=json", "-p", patch])).toContain(
        "pod updates may not change fields other than",
      );
    });
  });

  describe("apply", () => {
    it("creates, leaves alone, and configures", async () => {
      expect(await k.run(["apply", "-f", "-"], deploymentManifest())).toBe("deployment.apps/web created\nservice/web created\n");
      expect(await k.run(["apply", "-f", "-"], deploymentManifest())).toBe(
        "deployment.apps/web unchanged\nservice/web unchanged\n",
      );
      expect(await k.run(["apply", "-f", "-"], deploymentManifest({ replicas: 3 }))).toBe(
        "deployment.apps/web configured\nservice/web unchanged\n",
      );
    });

    it("removes what left the file and keeps what others set", async () => {
      const withEnv = deploymentManifest({ name: "merge", replicas: 0 });
      await k.run(["apply", "-f", "-"], withEnv);
      await k.run(["set", "env", "deploy/merge", "OTHER=1"]);
      await k.run(["apply", "-f", "-"], withEnv.replace("env: [{ name: LEVEL, value: info }]", "env: [{ name: NEW, value: x }]"));
      const { spec } = await k.json<V1Deployment>(["get", "deploy", "merge"]);
      const names = spec?.template.spec?.containers[0]?.env?.map(({ name }) => name).sort();
      expect(names).toEqual(["NEW", "OTHER"]);
    });

    it("shows the difference before it is applied", async () => {
      const { code, stdout } = await k.try(["diff", "-f", "-"], deploymentManifest({ replicas: 7 }));
      expect(code).toBe(1);
      expect(stdout).toMatch(/^\+\s+replicas: 7$/m);
    });
  });

  describe("patch", () => {
    beforeAll(async () => {
      await k.run(["create", "-f", "-"], deploymentManifest({ name: "patched", replicas: 0 }));
    });

    it("merges containers by name (strategic merge patch)", async () => {
      const patch = { spec: { template: { spec: { containers: [{ name: "side", image: "demo/side:1" }] } } } };
      await k.run(["patch", "deploy", "patched", "-p", JSON.stringify(patch)]);
      const { spec } = await k.json<V1Deployment>(["get", "deploy", "patched"]);
      expect(spec?.template.spec?.containers.map(({ name }) => name).sort()).toEqual(["main", "side"]);
    });

    it("deletes a container by name ($patch: delete)", async () => {
      const patch = { spec: { template: { spec: { containers: [{ name: "side", $patch: "delete" }] } } } };
      await k.run(["patch", "deploy", "patched", "-p", JSON.stringify(patch)]);
      const { spec } = await k.json<V1Deployment>(["get", "deploy", "patched"]);
      expect(spec?.template.spec?.containers.map(({ name }) => name)).toEqual(["main"]);
    });

    it("replaces lists whole (merge patch)", async () => {
      const patch = { spec: { template: { spec: { containers: [{ name: "only", image: "demo/only:1" }] } } } };
      await k.run(["patch", "deploy", "patched", "--type=merge", "-p", JSON.stringify(patch)]);
      const { spec } = await k.json<V1Deployment>(["get", "deploy", "patched"]);
      expect(spec?.template.spec?.containers.map(({ name }) => name)).toEqual(["only"]);
    });

    it("obeys test operations (JSON patch)", async () => {
      const patch = (value: number) =>
        JSON.stringify([
          { op: "test", path: "/spec/replicas", value },
          { op: "replace", path: "/spec/revisionHistoryLimit", value: 4 },
        ]);
      await k.refusal(["patch", "deploy", "patched", "--type=json", "-p", patch(9)]);
      await k.run(["patch", "deploy", "patched", "--type=json", "-p", patch(0)]);
      expect((await k.json<V1Deployment>(["get", "deploy", "patched"])).spec?.revisionHistoryLimit).toBe(4);
    });
  });

  describe("rollouts", () => {
    const revisionOf = async () =>
      (await k.json<V1Deployment>(["get", "deploy", "app"])).metadata?.annotations?.["deployment.kubernetes.io/revision"];
    const imageOf = async () => (await k.json<V1Deployment>(["get", "deploy", "app"])).spec?.template.spec?.containers[0]?.image;

    it("rolls out and says when it is done", async () => {
      await k.run(["apply", "-f", "-"], deploymentManifest({ name: "app" }));
      expect(await k.run(["rollout", "status", "deploy/app", "--timeout=30s"])).toContain(
        'deployment "app" successfully rolled out',
      );
      expect(await k.run(["get", "deploy", "app", "--no-headers"])).toMatch(/^app\s+2\/2\s+2\s+2\s+\d+s\n$/);
      expect(await k.run(["get", "deploy", "app", "-o", "wide", "--no-headers"])).toMatch(
        /main\s+demo\/web:1\.0\.0\s+app=app\n$/,
      );
      expect(await k.run(["get", "pods", "-l", "app=app", "--no-headers"])).toMatch(/^app-\S+\s+1\/1\s+Running\s+0\s/m);
      expect(await k.run(["get", "pods", "-l", "app=app", "--no-headers", "-o", "wide"])).toMatch(
        /\s127\.10\.10\.2\s+node-1\s+<none>\s+<none>\n/,
      );
    });

    it("scales", async () => {
      await k.run(["scale", "deploy/app", "--replicas=4"]);
      await k.run(["rollout", "status", "deploy/app", "--timeout=30s"]);
      expect((await k.json<V1PodList>(["get", "pods", "-l", "app=app"])).items).toHaveLength(4);
      expect(await k.refusal(["scale", "deploy/app", "--current-replicas=9", "--replicas=1"])).toContain(
        "Expected replicas to be 9, was 4",
      );
      await k.run(["scale", "deploy/app", "--replicas=2"]);
      await eventually(
        async () => (await k.json<V1PodList>(["get", "pods", "-l", "app=app"])).items.length === 2,
        "two pods are left",
      );
    });

    it("sets an image, which makes a revision", async () => {
      await k.run(["set", "image", "deploy/app", "main=demo/web:2.0.0"]);
      await k.run(["rollout", "status", "deploy/app", "--timeout=30s"]);
      expect(await revisionOf()).toBe("2");
      expect(await k.run(["rollout", "history", "deploy/app"])).toMatch(/^1\s+<none>\n2\s+<none>$/m);
      expect(await k.run(["rollout", "history", "deploy/app", "--revision=1"])).toMatch(/Image:\s+demo\/web:1\.0\.0/);
    });

    it("undoes to the previous revision under a new number, with the same template", async () => {
      const sets = await k.json<V1ReplicaSetList>(["get", "rs", "-l", "app=app"]);
      const first = sets.items.find(({ metadata }) => metadata?.annotations?.["deployment.kubernetes.io/revision"] === "1");
      await k.run(["rollout", "undo", "deploy/app"]);
      await k.run(["rollout", "status", "deploy/app", "--timeout=30s"]);
      expect(await revisionOf()).toBe("3");
      expect(await imageOf()).toBe("demo/web:1.0.0");
      const after = await k.json<V1ReplicaSetList>(["get", "rs", "-l", "app=app"]);
      expect(after.items).toHaveLength(2);
      const again = after.items.find(({ metadata }) => metadata?.uid === first?.metadata?.uid);
      expect(again?.metadata?.annotations?.["deployment.kubernetes.io/revision"]).toBe("3");
      expect(await k.refusal(["rollout", "undo", "deploy/app", "--to-revision=99"])).toContain(
        "unable to find specified revision 99",
      );
    });

    it("pauses, holds the change back, and resumes", async () => {
      await k.run(["rollout", "pause", "deploy/app"]);
      expect(await k.refusal(["rollout", "undo", "deploy/app"])).toContain("you cannot rollback a paused deployment");
      await k.run(["set", "image", "deploy/app", "main=demo/web:3.0.0"]);
      await eventually(async () => {
        const { metadata, status } = await k.json<V1Deployment>(["get", "deploy", "app"]);
        return status?.observedGeneration === metadata?.generation;
      }, "the controller has seen the change");
      expect((await k.json<V1ReplicaSetList>(["get", "rs", "-l", "app=app"])).items).toHaveLength(2);
      await k.run(["rollout", "resume", "deploy/app"]);
      await k.run(["rollout", "status", "deploy/app", "--timeout=30s"]);
      expect((await k.json<V1ReplicaSetList>(["get", "rs", "-l", "app=app"])).items).toHaveLength(3);
    });

    it("restarts every pod", async () => {
      const before = (await k.json<V1PodList>(["get", "pods", "-l", "app=app"])).items.map(({ metadata }) => metadata?.uid);
      await k.run(["rollout", "restart", "deploy/app"]);
      await k.run(["rollout", "status", "deploy/app", "--timeout=30s"]);
      const { spec } = await k.json<V1Deployment>(["get", "deploy", "app"]);
      expect(spec?.template.metadata?.annotations).toHaveProperty(["kubectl.kubernetes.io/restartedAt"]);
      const after = await eventually(async () => {
        const { items } = await k.json<V1PodList>(["get", "pods", "-l", "app=app"]);
        return items.length === 2 && items;
      }, "the old pods are gone");
      expect(after.some(({ metadata }) => before.includes(metadata?.uid))).toBe(false);
    });

    it("waits for an image that never starts, and names the pod's trouble", async () => {
      await k.run(["set", "image", "deploy/app", "main=demo/web:broken"]);
      expect(await k.refusal(["rollout", "status", "deploy/app", "--timeout=2s"])).toMatch(/timed out/);
      expect(await k.run(["get", "pods", "-l", "app=app", "--no-headers"])).toMatch(/\s0\/1\s+ImagePullBackOff\s/);
      await k.run(["rollout", "undo", "deploy/app"]);
      await k.run(["rollout", "status", "deploy/app", "--timeout=30s"]);
    });

    it("describes the deployment with its conditions and events", async () => {
      const output = await k.run(["describe", "deploy", "app"]);
      expect(output).toMatch(/Replicas:\s+2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable/);
      expect(output).toMatch(/Available\s+True\s+MinimumReplicasAvailable/);
      expect(output).toMatch(/ScalingReplicaSet\s+\S+(\s+\(x\d+ over \S+\))?\s+deployment-controller/);
    });

    it("lists endpoints of the service", async () => {
      await eventually(
        async () => /127\.10\.10\.2:8080/.test(await k.run(["get", "endpoints", "app"])),
        "the address of a ready pod",
      );
      expect(await k.run(["get", "endpointslices", "-l", "kubernetes.io/service-name=app", "--no-headers"])).toMatch(
        /IPv4\s+8080\s/,
      );
    });

    it("deletes a deployment and everything that it owns", async () => {
      expect(await k.run(["delete", "deploy", "app"])).toBe('deployment.apps "app" deleted\n');
      await eventually(
        async () => (await k.run(["get", "rs,pods", "-l", "app=app", "-o", "name"])) === "",
        "replica sets and pods are gone",
      );
    });

    it("leaves the pods of an orphaned replica set", async () => {
      await k.run(["apply", "-f", "-"], deploymentManifest({ name: "orphan", replicas: 1 }));
      await k.run(["rollout", "status", "deploy/orphan", "--timeout=30s"]);
      await k.run(["delete", "deploy", "orphan", kubectl.minor < 20 ? "--cascade=false" : "--cascade=orphan"]);
      const sets = await k.json<V1ReplicaSetList>(["get", "rs", "-l", "app=orphan"]);
      expect(sets.items).toHaveLength(1);
      expect(sets.items[0]?.metadata?.ownerReferences).toBeUndefined();
      await k.run(["delete", "rs", "-l", "app=orphan"]);
    });
  });

  describe("pods and nodes", () => {
    it("defaults and describes a pod", async () => {
      await k.run(["run", "alone", "--image=demo/web:1.0.0", "--restart=Never", "--port=8080"]);
      await k.run(["wait", "--for=condition=Ready", "pod/alone", "--timeout=20s"]);
      const { spec, status } = await k.json<V1Pod>(["get", "pod", "alone"]);
      expect(spec).toMatchObject({
        dnsPolicy: "ClusterFirst",
        schedulerName: "default-scheduler",
        serviceAccountName: "default",
      });
      expect(spec?.containers[0]).toMatchObject({
        imagePullPolicy: "IfNotPresent",
        terminationMessagePath: "/dev/termination-log",
      });
      expect(status?.qosClass).toBe("BestEffort");
      const output = await k.run(["describe", "pod", "alone"]);
      expect(output).toMatch(/Node:\s+node-1\/127\.10\.0\.1/);
      expect(output).toMatch(/Normal\s+Scheduled\s+\S+\s+default-scheduler\s+Successfully assigned/);
      expect(
        await k.run(["get", "events", "--field-selector", "involvedObject.name=alone,reason=Scheduled", "--no-headers"]),
      ).toMatch(/Normal\s+Scheduled\s+pod\/alone\s/);
    });

    it("waits for the kubelet when a pod is deleted", async () => {
      expect(await k.run(["delete", "pod", "alone"])).toBe('pod "alone" deleted\n');
      expect(await k.refusal(["get", "pod", "alone"])).toContain("NotFound");
    });

    it("shows, cordons and describes a node", async () => {
      expect(await k.run(["get", "nodes", "--no-headers"])).toMatch(/^node-1\s+Ready\s+<none>\s/);
      await k.run(["cordon", "node-1"]);
      expect(await k.run(["get", "nodes", "--no-headers"])).toMatch(/^node-1\s+Ready,SchedulingDisabled\s/);
      await k.run(["uncordon", "node-1"]);
      expect(await k.run(["describe", "node", "node-1"])).toMatch(/Unschedulable:\s+false/);
    });

    it("says that a node's kubelet cannot be reached for logs", async () => {
      await k.run(["run", "quiet", "--image=demo/web:1.0.0", "--restart=Never"]);
      await k.run(["wait", "--for=condition=Ready", "pod/quiet", "--timeout=20s"]);
      expect(await k.refusal(["logs", "quiet"])).toContain("containerLogs");
      expect(await k.refusal(["logs", "quiet", "-c", "other"])).toContain("container other is not valid for pod quiet");
    });
  });

  it("empties a namespace that is deleted", async () => {
    await k.run(["delete", "namespace", namespace, "--wait=true", "--timeout=40s"]);
    expect(await k.refusal(["get", "namespace", namespace])).toContain("NotFound");
  });
});
