import { expect, test } from "vitest";
import { deployment } from "../../fleet/test-objects.ts";
import type { Change } from "./start-schemas.ts";
import { makeTarget, renewTarget } from "./target.ts";

const image = (tag: string): Change => ({ image: { container: "relay", image: `switchyard/relay:${tag}` }, config: [] });

function reading(name: string, tag = "2.0.0") {
  const workload = deployment({ image: `switchyard/relay:${tag}` });
  workload.spec.template.spec.containers[0] = {
    ...workload.spec.template.spec.containers[0],
    envFrom: [{ configMapRef: { name } }],
  } as never;
  return workload;
}
const copy = { kind: "ConfigMap" as const, name: "settings-0123456789", of: "settings" };

test("an image is set in its container, and nothing else changes", () => {
  const workload = deployment();
  const target = makeTarget(workload, image("2.1.0"), []);
  expect(target.template.spec.containers).toEqual([{ name: "relay", image: "switchyard/relay:2.1.0" }]);
  expect(target.before).toBe(workload.spec.template);
});

test("an unknown container and a change of nothing are refused", () => {
  const unknown: Change = { image: { container: "other", image: "a:1" }, config: [] };
  expect(() => makeTarget(deployment(), unknown, [])).toThrow("relay has no container other.");
  expect(() => makeTarget(deployment(), image("2.0.0"), [])).toThrow("nothing to roll out");
});

test("what only the cluster sets is taken out of a given template", () => {
  const given = structuredClone(deployment({ image: "switchyard/relay:2.1.0" }).spec.template);
  given.metadata = { ...given.metadata, labels: { app: "relay", "pod-template-hash": "abc" }, creationTimestamp: null };
  const { template } = makeTarget(deployment(), { template: given as Change["template"], config: [] }, []);
  expect(template.metadata).toEqual({ labels: { app: "relay" } });
});

test("a rollout that waited applies its image and its copies to the template of now", () => {
  const target = makeTarget(reading("settings"), image("2.2.0"), [copy]);
  const renewed = renewTarget(target, reading("settings", "2.1.0"));
  expect(renewed.template.spec.containers[0]).toMatchObject({
    image: "switchyard/relay:2.2.0",
    envFrom: [{ configMapRef: { name: copy.name } }],
  });
  expect(renewTarget(target, reading("settings"))).toBe(target);
});

test("a rollout that waited does not take back others' changes of the same configuration", () => {
  const target = makeTarget(reading("settings"), image("2.2.0"), [copy]);
  expect(() => renewTarget(target, reading("settings-9999999999"))).toThrow("changed while this waited");
});
