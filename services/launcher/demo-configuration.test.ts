import type { KubernetesObject } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { stampConfiguration } from "./demo-configuration.ts";

const map = (rules: string) => ({ kind: "ConfigMap", metadata: { namespace: "a", name: "rules" }, data: { rules } });
const workload = (volumes: object[], namespace = "a") => ({
  kind: "Deployment",
  metadata: { namespace, name: "prometheus" },
  spec: { template: { metadata: { labels: { app: "x" }, annotations: { kept: "yes" } }, spec: { volumes } } },
});
const mounting = workload([{ name: "rules", configMap: { name: "rules" } }]);

function annotationsOf(...objects: object[]): Record<string, string> {
  const stamped = stampConfiguration(objects as KubernetesObject[]).at(-1) as unknown as typeof mounting;
  return stamped.spec.template.metadata.annotations;
}

test("pods that mount a ConfigMap are replaced when it changes, and only then", () => {
  const [one, same, other] = ["x", "x", "y"].map((rules) => annotationsOf(map(rules), mounting));
  expect(one).toMatchObject({ kept: "yes", "switchyard.dev/configuration": expect.stringMatching(/^[0-9a-f]{16}$/) });
  expect(same).toEqual(one);
  expect(other).not.toEqual(one);
});

test("what mounts none of the ConfigMaps, or one of another namespace, stays as it is", () => {
  const secret = workload([{ name: "token", secret: { secretName: "token" } }]);
  expect(annotationsOf(map("x"), secret)).toEqual({ kept: "yes" });
  expect(annotationsOf(map("x"), workload(mounting.spec.template.spec.volumes, "b"))).toEqual({ kept: "yes" });
});
