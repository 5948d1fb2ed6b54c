import { CoreV1Api, type V1ConfigMapList } from "@kubernetes/client-node";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls, type Kubectl, KubectlSession } from "./kubectl.ts";
import { rawRequest } from "./raw-request.ts";

let cluster: TestCluster;
let core: CoreV1Api;
let count = 0;
let namespace: string;

beforeAll(async () => {
  cluster = await startTestCluster();
  core = cluster.config.makeApiClient(CoreV1Api);
});

afterAll(() => cluster?.stop());

beforeEach(async () => {
  count += 1;
  namespace = `pages-${count}`;
  await core.createNamespace({ body: { metadata: { name: namespace } } });
  for (const name of ["a", "b", "c", "d", "e"]) await createMap(name);
});

const namesOf = ({ items }: V1ConfigMapList) => items.map(({ metadata }) => metadata?.name);

function createMap(name: string, data: Record<string, string> = { at: "first" }) {
  return core.createNamespacedConfigMap({ namespace, body: { metadata: { name, labels: { set: "pages" } }, data } });
}

async function disturb(): Promise<void> {
  await core.patchNamespacedConfigMap({ namespace, name: "d", body: [{ op: "replace", path: "/data/at", value: "second" }] });
  await core.deleteNamespacedConfigMap({ namespace, name: "e" });
  await createMap("cc");
}

const page = (options: object) => core.listNamespacedConfigMap({ namespace, ...options });

describe("a list in pages by the client library", () => {
  it("shows on its later pages the state at the resourceVersion of the first, and carries it", async () => {
    const first = await page({ limit: 2 });
    expect(namesOf(first)).toEqual(["a", "b"]);
    expect(first.metadata?.remainingItemCount).toBe(3);
    await disturb();
    const second = await page({ limit: 2, _continue: first.metadata?._continue });
    const third = await page({ limit: 2, _continue: second.metadata?._continue });
    expect([...namesOf(second), ...namesOf(third)]).toEqual(["c", "d", "e"]);
    expect(second.items[1]?.data).toEqual({ at: "first" });
    expect(second.metadata?.remainingItemCount).toBe(1);
    for (const { metadata } of [second, third]) expect(metadata?.resourceVersion).toBe(first.metadata?.resourceVersion);
    expect(third.metadata?._continue).toBeUndefined();
    expect(namesOf(await page({}))).toEqual(["a", "b", "c", "cc", "d"]);
  });

  it("does not tell how many remain where a selector is given", async () => {
    for (const selector of [{ labelSelector: "set=pages" }, { fieldSelector: "metadata.name!=a" }]) {
      const { metadata } = await page({ limit: 1, ...selector });
      expect(metadata?._continue).toBeTruthy();
      expect(metadata?.remainingItemCount).toBeUndefined();
    }
  });

  it("keeps to its selector on later pages, for objects as they were", async () => {
    const first = await page({ limit: 2, labelSelector: "set=pages" });
    const body = [{ op: "remove", path: "/metadata/labels/set" }];
    await core.patchNamespacedConfigMap({ namespace, name: "c", body });
    const rest = await page({ labelSelector: "set=pages", _continue: first.metadata?._continue });
    expect(namesOf(rest)).toEqual(["c", "d", "e"]);
    expect(namesOf(await page({ labelSelector: "set=pages" }))).toEqual(["a", "b", "d", "e"]);
  });

  it("that is too old answers 410 with a token that goes on with the present", async () => {
    const first = await page({ limit: 2 });
    await disturb();
    await cluster.restart("SIGTERM");
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const expired = await rawRequest(cluster, "GET", `${path}?limit=2&continue=${first.metadata?._continue}`);
    expect(expired).toMatchObject({ code: 410, body: { reason: "Expired", code: 410 } });
    expect(expired.body.message).toMatch(/^The provided continue parameter is too old to display a consistent list result\./);
    expect(expired.body.message).toContain("or use the continue token in this response to retrieve the remainder");
    const rest = await page({ _continue: expired.body.metadata?.continue });
    expect(namesOf(rest)).toEqual(["c", "cc", "d"]);
    expect(Number(rest.metadata?.resourceVersion)).toBeGreaterThan(Number(first.metadata?.resourceVersion));
  });

  it("refuses a token that is none, and one together with a resourceVersion", async () => {
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    expect(await rawRequest(cluster, "GET", `${path}?continue=none`)).toMatchObject({
      code: 400,
      body: { reason: "BadRequest", message: expect.stringContaining("continue key is not valid") },
    });
    const { metadata } = await page({ limit: 1 });
    const both = `${path}?continue=${metadata?._continue}&resourceVersion=${metadata?.resourceVersion}`;
    expect((await rawRequest(cluster, "GET", both)).body.message).toBe(
      "specifying resource version is not allowed when using continue",
    );
  });
});

describe("a list at a resourceVersion", () => {
  it("shows exactly that state with resourceVersionMatch=Exact, and with a limit alone", async () => {
    const { metadata } = await page({});
    const resourceVersion = metadata?.resourceVersion ?? "";
    await disturb();
    const then = await page({ resourceVersion, resourceVersionMatch: "Exact" });
    expect(namesOf(then)).toEqual(["a", "b", "c", "d", "e"]);
    expect(then.metadata?.resourceVersion).toBe(resourceVersion);
    expect(namesOf(await page({ resourceVersion, limit: 10 }))).toEqual(["a", "b", "c", "d", "e"]);
  });

  it("shows something at least as new with NotOlderThan, without a match, and with 0", async () => {
    const { metadata } = await page({});
    const resourceVersion = metadata?.resourceVersion ?? "";
    await disturb();
    for (const options of [
      { resourceVersion, resourceVersionMatch: "NotOlderThan" },
      { resourceVersion },
      { resourceVersion: "0" },
    ]) {
      const list = await page(options);
      expect(namesOf(list)).toEqual(["a", "b", "c", "cc", "d"]);
      expect(Number(list.metadata?.resourceVersion)).toBeGreaterThan(Number(resourceVersion));
    }
  });

  it("that is not known any more answers 410 to Exact", async () => {
    const path = `/api/v1/namespaces/${namespace}/configmaps?resourceVersion=1&resourceVersionMatch=Exact`;
    expect(await rawRequest(cluster, "GET", path)).toMatchObject({
      code: 410,
      body: { reason: "Expired", message: "The resourceVersion for the provided list is too old." },
    });
  });
});

describe.each(findKubectls())("kubectl $version", (kubectl: Kubectl) => {
  it("reads every page with --chunk-size, as a table too", async () => {
    const k = new KubectlSession(kubectl, cluster.kubeconfigPath, namespace);
    expect((await k.run(["get", "cm", "--chunk-size=2", "-o", "name"])).trim().split("\n")).toHaveLength(5);
    expect((await k.run(["get", "cm", "--chunk-size=2", "--no-headers"])).trim().split("\n")).toHaveLength(5);
  });
});
