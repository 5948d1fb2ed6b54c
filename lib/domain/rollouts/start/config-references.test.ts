import { expect, test } from "vitest";
import type { PodTemplate } from "#lib/kubernetes/objects.ts";
import { isVersionOf, listReferences, nameCopies } from "./config-references.ts";

const template: PodTemplate = {
  spec: {
    initContainers: [{ name: "init", envFrom: [{ secretRef: { name: "secrets" } }] } as never],
    containers: [
      {
        name: "relay",
        env: [
          { name: "A", valueFrom: { configMapKeyRef: { name: "settings", key: "a" } } },
          { name: "B", valueFrom: { secretKeyRef: { name: "secrets", key: "b", optional: true } } },
        ],
        envFrom: [{ configMapRef: { name: "extra", optional: true } }],
      } as never,
    ],
    volumes: [
      { name: "v", configMap: { name: "settings", items: [{ key: "file", path: "f" }] } },
      { name: "w", secret: { secretName: "tls" } },
      { name: "x", projected: { sources: [{ configMap: { name: "extra" } }, { secret: { name: "tls" } }] } },
      { name: "y", emptyDir: {} },
    ],
  },
};

test("finds every place in which a template names a ConfigMap or Secret", () => {
  expect(listReferences(template)).toEqual([
    { kind: "ConfigMap", name: "extra", optional: false, keys: [] },
    { kind: "ConfigMap", name: "settings", optional: false, keys: ["a", "file"] },
    { kind: "Secret", name: "secrets", optional: false, keys: [] },
    { kind: "Secret", name: "tls", optional: false, keys: [] },
  ]);
});

test("names copies in all of these places, and leaves the template that it was given", () => {
  const copies = [
    { kind: "ConfigMap" as const, name: "settings-0123456789", of: "settings" },
    { kind: "Secret" as const, name: "tls-abcdef0123", of: "tls" },
  ];
  const changed = nameCopies(template, copies);
  expect(listReferences(changed).map(({ name }) => name)).toEqual(["extra", "settings-0123456789", "secrets", "tls-abcdef0123"]);
  expect(listReferences(template).map(({ name }) => name)).toContain("settings");
  const again = nameCopies(changed, [{ kind: "ConfigMap", name: "settings-9876543210", of: "settings" }]);
  expect(listReferences(again).map(({ name }) => name)).toContain("settings-9876543210");
});

test("a copy's name is the object's with ten digits of a hash", () => {
  expect(isVersionOf("settings", "settings")).toBe(true);
  expect(isVersionOf("settings-0123456789", "settings")).toBe(true);
  expect(isVersionOf("settings-production", "settings")).toBe(false);
  expect(isVersionOf("settings-0123456789", "sett")).toBe(false);
});
