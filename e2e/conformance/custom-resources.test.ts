import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gadget, gadgets, looseKind } from "./custom-kinds.ts";
import { eventually, startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls, type Kubectl, KubectlSession } from "./kubectl.ts";

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startTestCluster();
});

afterAll(() => cluster?.stop());

const text = (object: object) => JSON.stringify(object);

describe.each(findKubectls())("kubectl $version with custom resources", (kubectl: Kubectl) => {
  const group = `k${kubectl.minor}.example.com`;
  const namespace = `custom-${kubectl.minor}`;
  let k: KubectlSession;
  const gadget = (name: string, spec: object, more: object = {}) => ({
    apiVersion: `${group}/v1`,
    kind: "Gadget",
    metadata: { name },
    spec,
    ...more,
  });
  const apply = (object: object) => k.run(["apply", "-f", "-"], text(object));
  const refusal = (spec: object, name = "refused") =>
    k.refusal(["apply", "--validate=false", "-f", "-"], text(gadget(name, spec)));
  const read = (name: string, of = `gadgets.${group}`) => k.json<Gadget>(["get", of, name]);

  beforeAll(async () => {
    k = new KubectlSession(kubectl, cluster.kubeconfigPath, namespace);
    await k.run(["create", "namespace", namespace]);
    await apply(gadgets(group, { shortNames: [`gg${kubectl.minor}`] }));
    await k.run(["wait", "--for=condition=Established", `crd/gadgets.${group}`, "--timeout=20s"]);
  });

  it("sees the kind in discovery: short names, categories, versions", async () => {
    const [line] = (await k.run(["api-resources", `--api-group=${group}`, "--no-headers", "-o", "wide"])).split("\n");
    expect(line).toMatch(/^gadgets\s+gg\d+\s+\S+\s+true\s+Gadget\s/);
    expect((await k.run(["api-versions"])).split("\n").filter((one) => one.startsWith(`${group}/`))).toEqual([
      `${group}/v1`,
      `${group}/v1beta1`,
    ]);
  });

  it("applies, changes and reads objects, by short name and category too", async () => {
    const first = gadget("one", { size: "small", labels: { a: "1", b: "2" } });
    expect(await apply(first)).toContain("/one created");
    expect(await apply(first)).toContain("/one unchanged");
    expect(await apply(gadget("one", { size: "large", labels: { a: "1" } }))).toContain("/one configured");
    expect((await read("one")).spec).toMatchObject({ size: "large", labels: { a: "1" } });
    expect((await read("one")).spec.labels).not.toHaveProperty("b");
    expect(await k.run(["get", `gg${kubectl.minor}`, "-o", "name"])).toBe(`gadget.${group}/one\n`);
    expect(await k.run(["get", "toys", "-o", "name"])).toContain(`gadget.${group}/one`);
  });

  it("prints the columns of the definition, the wide ones on demand", async () => {
    await apply(gadget("shown", { size: "small", replicas: 3, ports: [{ name: "http", port: 80 }] }));
    const conditions = [
      { type: "Other", status: "False" },
      { type: "Healthy", status: "True" },
    ];
    const path = `/apis/${group}/v1/namespaces/${namespace}/gadgets/shown/status`;
    await k.run(["replace", "--raw", path, "-f", "-"], text({ ...(await read("shown")), status: { conditions } }));
    const lines = (await k.run(["get", `gadgets.${group}`, "shown"])).trim().split("\n");
    expect(lines[0]?.split(/\s+/)).toEqual(["NAME", "SIZE", "REPLICAS", "HEALTHY", "AGE"]);
    expect(lines[1]).toMatch(/^shown\s+small\s+3\s+True\s+\d+s$/);
    const wide = (await k.run(["get", `gadgets.${group}`, "shown", "-o", "wide"])).trim().split("\n");
    expect(wide[0]?.split(/\s+/)).toEqual(["NAME", "SIZE", "REPLICAS", "HEALTHY", "PORTS", "AGE"]);
    expect(wide[1]).toMatch(/^shown\s+small\s+3\s+True\s+http\s+\d+s$/);
    expect((await k.run(["get", `gadgets.v1beta1.${group}`])).split("\n")[0]?.trim().split(/\s+/)).toEqual(["NAME", "AGE"]);
  });

  it("gets defaults, also inside of a default, and loses what the schema does not have", async () => {
    await k.run(
      ["create", "--validate=false", "-f", "-"],
      text(gadget("defaulted", { size: "small", colour: "red", free: { x: [1] } })),
    );
    const { spec } = await read("defaulted");
    expect(spec).toEqual({ size: "small", replicas: 1, network: { mode: "bridge", mtu: 1500 }, free: { x: [1] } });
  });

  it("takes null for missing: filled in with a default, kept where it is allowed, else dropped", async () => {
    await k.run(["create", "-f", "-"], text(gadget("nulls", { size: "small", replicas: null, note: null, limit: null })));
    const { spec } = await read("nulls");
    expect(spec).toMatchObject({ replicas: 1, note: null });
    expect(spec).not.toHaveProperty("limit");
  });

  it.each([
    ["a missing field", {}, "spec.size: Required value"],
    ["an unknown value", { size: "huge" }, 'spec.size: Unsupported value: "huge": supported values: "small", "large"'],
    [
      "a wrong type",
      { size: "small", replicas: "2" },
      'spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"',
    ],
    [
      "a number too large",
      { size: "small", replicas: 11 },
      "spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10",
    ],
    [
      "a pattern that does not match",
      { size: "small", title: "ABC" },
      "spec.title: Invalid value: \"ABC\": spec.title in body should match '^[a-z]+$'",
    ],
    ["a text too long", { size: "small", title: "abcdefghi" }, "spec.title: Too long: may not be more than 8 bytes"],
    [
      "a text too short",
      { size: "small", title: "a" },
      'spec.title: Invalid value: "a": spec.title in body should be at least 2 chars long',
    ],
    [
      "a port out of range",
      { size: "small", ports: [{ name: "x", port: 0 }] },
      "spec.ports[0].port: Invalid value: 0: spec.ports[0].port in body should be greater than or equal to 1",
    ],
    [
      "too many items",
      { size: "small", ports: ["a", "b", "c", "d"].map((name) => ({ name, port: 1 })) },
      "spec.ports: Too many: 4: must have at most 3 items",
    ],
    [
      "two items of one key",
      {
        size: "small",
        ports: [
          { name: "x", port: 1 },
          { name: "x", port: 2 },
        ],
      },
      'spec.ports[1]: Duplicate value: {"name":"x"}',
    ],
    ["two equal items of a set", { size: "small", tags: ["a", "a"] }, 'spec.tags[1]: Duplicate value: "a"'],
    [
      "a value of a map",
      { size: "small", labels: { a: 1 } },
      'spec.labels.a: Invalid value: "integer": spec.labels.a in body must be of type string: "integer"',
    ],
  ])("is refused %s in Kubernetes' words", async (_, spec, message) => {
    expect(await refusal(spec)).toContain(`The Gadget "refused" is invalid: ${message}`.replace(/^.* is invalid: /, ""));
  });

  it("patches by JSON patch and merge patch; a strategic merge patch is not supported", async () => {
    await apply(gadget("patched", { size: "small", tags: ["a"] }));
    const of = ["patch", `gadgets.${group}`, "patched"];
    await k.run([...of, "--type=json", "-p", '[{"op":"add","path":"/spec/tags/-","value":"b"}]']);
    await k.run([...of, "--type=merge", "-p", '{"spec":{"replicas":4,"title":"abc"}}']);
    expect((await read("patched")).spec).toMatchObject({ tags: ["a", "b"], replicas: 4, title: "abc" });
    expect(await k.refusal([...of, "--type=strategic", "-p", '{"spec":{"replicas":5}}'])).toMatch(
      /is not supported|Unsupported/i,
    );
    expect(await k.refusal([...of, "--type=merge", "-p", '{"spec":{"replicas":50}}'])).toContain("less than or equal to 10");
  });

  it("tries a change with --dry-run=server", async () => {
    expect(await k.run(["apply", "--dry-run=server", "-f", "-"], text(gadget("dry", { size: "small" })))).toContain("dry run");
    expect((await k.try(["get", `gadgets.${group}`, "dry"])).code).not.toBe(0);
  });

  it("scales by the paths of the definition", async () => {
    await apply(gadget("scaled", { size: "small", replicas: 2 }));
    expect(await k.run(["scale", `gadgets.${group}/scaled`, "--replicas=5"])).toContain("/scaled scaled");
    const { spec, metadata } = await read("scaled");
    expect(spec).toMatchObject({ size: "small", replicas: 5 });
    expect(metadata.generation).toBe(2);
    expect(await k.refusal(["scale", `gadgets.${group}/scaled`, "--replicas=11"])).toContain("less than or equal to 10");
    expect((await k.try(["scale", `gadgets.${group}/scaled`, "--current-replicas=2", "--replicas=3"])).code).not.toBe(0);
  });

  it("reads the older version without the fields it does not know, with a warning", async () => {
    await apply(gadget("versions", { size: "small", title: "kept" }));
    const { stdout, stderr } = await k.try(["get", `gadgets.v1beta1.${group}`, "versions", "-o", "json"]);
    const old = JSON.parse(stdout) as Gadget;
    expect(old.apiVersion).toBe(`${group}/v1beta1`);
    expect(old.spec).toEqual({ size: "small", replicas: 1 });
    expect(stderr).toContain(`${group}/v1beta1 Gadget is deprecated; use ${group}/v1 Gadget`);
    expect((await read("versions")).spec).toMatchObject({ title: "kept" });
  });

  it("is refused definitions that are not structural or whose parts do not fit, by the path", async () => {
    const wrong = async (change: (version: Record<string, never>) => void, message: string | RegExp) => {
      const crd = looseKind(group, "wrongs", "Wrong");
      change(crd.spec.versions[0] as unknown as Record<string, never>);
      expect(await k.refusal(["apply", "--validate=false", "-f", "-"], text(crd))).toMatch(message);
    };
    const schema = (properties: object) => (version: object) =>
      Object.assign(version, { schema: { openAPIV3Schema: { type: "object", properties } } });
    const at = "spec.versions[0].schema.openAPIV3Schema.properties";
    await wrong(schema({ spec: {} }), `${at}[spec].type: Required value: must not be empty for specified object fields`);
    await wrong(schema({ spec: { type: "integer", default: "x" } }), `${at}[spec].default: Invalid value: "string"`);
    await wrong(
      schema({ spec: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "map" } }),
      `${at}[spec].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`,
    );
    const pair = [{ type: "string" }, { type: "string" }];
    await wrong(schema({ spec: { type: "array", items: pair } }), `${at}[spec].items: Forbidden: items must be a schema object`);
    const rules = [{ rule: "self.a == 1" }];
    await wrong(schema({ spec: { type: "object", "x-kubernetes-validations": rules } }), "x-kubernetes-validations: Forbidden");
    const scale = { specReplicasPath: ".status.n", statusReplicasPath: ".status.n" };
    await wrong(
      (version) => Object.assign(version, { subresources: { scale } }),
      'subresources.scale.specReplicasPath: Invalid value: ".status.n": should be a json path under .spec',
    );
  });

  it("deletes the objects with their definition, and the paths are gone", async () => {
    await apply(looseKind(group, "passings", "Passing"));
    await k.run(["wait", "--for=condition=Established", `crd/passings.${group}`, "--timeout=20s"]);
    await apply({ apiVersion: `${group}/v1`, kind: "Passing", metadata: { name: "one" }, spec: { any: [1] } });
    const watched = k.follow(["get", "--raw", `/apis/${group}/v1/passings?watch=true`]);
    await eventually(async () => watched.lines.length >= 1, "the first event");
    await k.run(["delete", "crd", `passings.${group}`, "--timeout=20s"]);
    expect(await k.refusal(["get", "--raw", `/apis/${group}/v1/passings`])).toMatch(/NotFound|could not find/);
    await eventually(async () => watched.lines.some((line) => line.includes('"DELETED"')), "the end of the object");
    watched.stop();
    await apply(looseKind(group, "passings", "Passing"));
    await k.run(["wait", "--for=condition=Established", `crd/passings.${group}`, "--timeout=20s"]);
    expect(await k.run(["get", `passings.${group}`, "-o", "name"])).toBe("");
  });
});
