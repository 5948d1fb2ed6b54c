import { type ApiException, CoreV1Api, type V1ConfigMap, Watch } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls, type Kubectl, KubectlSession } from "./kubectl.ts";

type WatchedObject = {
  kind: string;
  apiVersion: string;
  metadata: V1ConfigMap["metadata"];
  data?: Record<string, string>;
  [field: string]: unknown;
};
type Event = { type: string; object: WatchedObject };
type Stream = { seen: () => Event[]; stop: () => void };
type Query = Record<string, string | number | boolean>;

/** One of the programs that watch, and what it makes of a refusal. */
type Client = {
  name: string;
  watch(path: string, query: Query): Promise<Stream>;
  /** The message of the Status that a list or watch is refused with. */
  refusal(path: string, query: Query): Promise<string>;
};

let cluster: TestCluster;
let core: CoreV1Api;

beforeAll(async () => {
  cluster = await startTestCluster();
  core = cluster.config.makeApiClient(CoreV1Api);
});

afterAll(() => cluster?.stop());

const queryOf = (query: Query) => new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value)]));

function kubectlClient(kubectl: Kubectl): Client {
  const session = () => new KubectlSession(kubectl, cluster.kubeconfigPath, "default");
  return {
    name: `kubectl ${kubectl.version}`,
    async watch(path, query) {
      const { lines, stop } = session().follow(["get", "--raw", `${path}?${queryOf({ watch: true, ...query })}`]);
      return { seen: () => lines.map((line) => JSON.parse(line) as Event), stop };
    },
    refusal: (path, query) => session().refusal(["get", "--raw", `${path}?${queryOf(query)}`]),
  };
}

const library: Client = {
  name: "the client library",
  async watch(path, query) {
    const events: Event[] = [];
    const take = (type: string, object: WatchedObject) => void events.push({ type, object });
    const controller = await new Watch(cluster.config).watch(path, query, take, () => {});
    return { seen: () => events, stop: () => controller.abort() };
  },
  async refusal(path, query) {
    const namespace = path.split("/").at(-2) ?? "";
    try {
      await core.listNamespacedConfigMap({ namespace, ...query });
    } catch (error) {
      return (JSON.parse((error as ApiException<string>).body) as { message: string }).message;
    }
    throw new Error("the call succeeded");
  },
};

const clients = [...findKubectls().map(kubectlClient), library];

describe.each(clients)("a watch by $name", (client) => {
  const namespace = `watch-${clients.indexOf(client)}`;
  const path = `/api/v1/namespaces/${namespace}/configmaps`;

  beforeAll(async () => {
    await core.createNamespace({ body: { metadata: { name: namespace } } });
  });

  const create = (name: string, labels: Record<string, string> = {}, data: Record<string, string> = {}) =>
    core.createNamespacedConfigMap({ namespace, body: { metadata: { name, labels }, data } });
  const patch = (name: string, value: object[]) => core.patchNamespacedConfigMap({ name, namespace, body: value });
  const change = (name: string, n: string) => patch(name, [{ op: "add", path: "/data", value: { n } }]);
  const remove = (name: string) => core.deleteNamespacedConfigMap({ name, namespace });
  const versionOf = ({ metadata }: { metadata?: { resourceVersion?: string } }) => metadata?.resourceVersion ?? "";
  const now = async () => versionOf((await core.listNamespacedConfigMap({ namespace, limit: 1 })) as { metadata?: object });
  const short = ({ type, object }: Event) => `${type} ${object.metadata?.name ?? ""} ${object.data?.n ?? ""}`.trim();

  /** Watches while something is done, from when the first `initial` events are there until `count` are. */
  async function during(
    query: Query,
    count: number,
    action: () => Promise<unknown>,
    { of = path, initial = 0 } = {},
  ): Promise<Event[]> {
    const stream = await client.watch(of, { timeoutSeconds: 30, ...query });
    try {
      await eventually(async () => stream.seen().length >= initial, `the first ${initial} events`);
      await action();
      return await eventually(async () => (stream.seen().length >= count ? stream.seen() : false), `${count} events`);
    } finally {
      stream.stop();
    }
  }

  it.each([
    ["without a resourceVersion", {}],
    ['from resourceVersion "0"', { resourceVersion: "0" }],
  ])("%s begins with what exists as ADDED and goes on with what changes", async (title, query) => {
    const label = `begins-${title.length}`;
    await create(`${label}-a`, { case: label });
    await create(`${label}-b`, { case: label });
    const selected = { ...query, labelSelector: `case=${label}` };
    const events = await during(selected, 3, () => change(`${label}-a`, "1"), { initial: 2 });
    expect(events.slice(0, 2).map(short)).toEqual([`ADDED ${label}-a`, `ADDED ${label}-b`]);
    expect(events.slice(2).map(short)).toEqual([`MODIFIED ${label}-a 1`]);
  });

  it("from a resourceVersion sends exactly what came after it, in order", async () => {
    const first = await create("exact", { case: "exact" });
    await change("exact", "1");
    await change("exact", "2");
    const query = { resourceVersion: versionOf(first), labelSelector: "case=exact" };
    const events = await during(query, 4, async () => {
      await change("exact", "3");
      await remove("exact");
    });
    expect(events.map(short)).toEqual(["MODIFIED exact 1", "MODIFIED exact 2", "MODIFIED exact 3", "DELETED exact 3"]);
    const versions = events.map(({ object }) => Number(versionOf(object)));
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    expect(new Set(versions).size).toBe(4);
  });

  it("from a version that is too old gets one ERROR with a Status 410 Expired", async () => {
    const [error, ...more] = await during({ resourceVersion: "1" }, 1, async () => {});
    expect(more).toEqual([]);
    expect(error).toMatchObject({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired", status: "Failure" } });
    expect(error?.object.message).toMatch(/^too old resource version: 1 \(\d+\)$/);
  });

  it("from something that is no version is refused as 400", async () => {
    expect(await client.refusal(path, { watch: true, resourceVersion: "x" })).toContain(
      'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax',
    );
  });

  it("ends after timeoutSeconds, with a bookmark where bookmarks are allowed", async () => {
    const from = await now();
    const events = await during({ resourceVersion: from, allowWatchBookmarks: true, timeoutSeconds: 1 }, 1, async () => {});
    expect(events).toEqual([
      {
        type: "BOOKMARK",
        object: {
          kind: "ConfigMap",
          apiVersion: "v1",
          metadata: { resourceVersion: expect.stringMatching(/^\d+$/), creationTimestamp: null },
        },
      },
    ]);
    expect(Number(versionOf(events[0]?.object ?? {}))).toBeGreaterThanOrEqual(Number(from));
  });

  it("with sendInitialEvents sends what exists, then the bookmark that ends it, then what changes", async () => {
    await create("initial-a", { case: "initial" });
    await create("initial-b", { case: "initial" });
    const query = { sendInitialEvents: true, resourceVersionMatch: "NotOlderThan", allowWatchBookmarks: true };
    const selected = { ...query, labelSelector: "case=initial" };
    const events = await during(selected, 4, () => change("initial-b", "1"), { initial: 3 });
    const end = events.findIndex(({ type }) => type === "BOOKMARK");
    expect(events[end]?.object.metadata?.annotations).toEqual({ "k8s.io/initial-events-end": "true" });
    expect(events.slice(0, end).map((event) => event.type)).toEqual(["ADDED", "ADDED"]);
    expect(events.filter(({ type }) => type === "BOOKMARK")).toHaveLength(1);
    const endVersion = Number(versionOf(events[end]?.object ?? {}));
    expect(events.slice(0, end).every(({ object }) => Number(versionOf(object)) <= endVersion)).toBe(true);
    expect(events.slice(end + 1).map(short)).toEqual(["MODIFIED initial-b 1"]);
    expect(Number(versionOf(events.at(-1)?.object ?? {}))).toBeGreaterThan(endVersion);
  });

  it("with sendInitialEvents=false begins with nothing that exists", async () => {
    await create("later", { case: "later" });
    const query = { sendInitialEvents: false, resourceVersionMatch: "NotOlderThan", resourceVersion: await now() };
    const events = await during({ ...query, labelSelector: "case=later" }, 1, () => change("later", "1"));
    expect(events.map(short)).toEqual(["MODIFIED later 1"]);
  });

  it("is refused as 422 where sendInitialEvents and resourceVersionMatch do not fit each other", async () => {
    expect(await client.refusal(path, { watch: true, sendInitialEvents: true })).toContain(
      "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
    );
    expect(await client.refusal(path, { watch: true, resourceVersionMatch: "NotOlderThan" })).toContain(
      "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
    );
    expect(await client.refusal(path, { sendInitialEvents: true })).toContain("sendInitialEvents is forbidden for list");
  });

  it("and a list for a version that is not reached yet are refused as too large", async () => {
    const query = { resourceVersion: "999999999", resourceVersionMatch: "NotOlderThan" };
    const message = /Too large resource version: 999999999, current: \d+/;
    expect(await client.refusal(path, query)).toMatch(message);
    expect(await client.refusal(path, { ...query, watch: true, sendInitialEvents: true })).toMatch(message);
  });

  it("sees an object that enters or leaves a label selection as ADDED or DELETED", async () => {
    await create("moving", { tier: "back" });
    const query = { labelSelector: "tier=front", resourceVersion: await now() };
    const label = (tier: string) => patch("moving", [{ op: "replace", path: "/metadata/labels/tier", value: tier }]);
    const events = await during(query, 3, async () => {
      await label("front");
      await change("moving", "1");
      await label("back");
      await change("moving", "2");
    });
    expect(events.map(({ type }) => type)).toEqual(["ADDED", "MODIFIED", "DELETED"]);
    expect(events[2]?.object.metadata?.labels).toEqual({ tier: "front" });
    expect(Number(versionOf(events[2]?.object ?? {}))).toBeGreaterThan(Number(versionOf(events[1]?.object ?? {})));
  });

  it("sees a pod that gets a node as ADDED to the selection of that node", async () => {
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    const body = { metadata: { name: "bound" }, spec: { schedulerName: "nobody", containers: [{ name: "main", image: "x:1" }] } };
    await core.createNamespacedPod({ namespace, body });
    const bind = () =>
      core.createNamespacedPodBinding({
        name: "bound",
        namespace,
        body: { metadata: { name: "bound" }, target: { kind: "Node", name: "node-9" } },
      });
    const query = { fieldSelector: "spec.nodeName=node-9", resourceVersion: await now() };
    const events = await during(query, 1, bind, { of: pods });
    expect(events[0]).toMatchObject({ type: "ADDED", object: { metadata: { name: "bound" }, spec: { nodeName: "node-9" } } });
    const gone = await during(
      { fieldSelector: "status.phase=Pending", resourceVersion: versionOf(events[0]?.object ?? {}) },
      1,
      () =>
        core.patchNamespacedPodStatus({
          name: "bound",
          namespace,
          body: [{ op: "add", path: "/status/phase", value: "Failed" }],
        }),
      { of: pods },
    );
    expect(gone.at(-1)).toMatchObject({ type: "DELETED", object: { metadata: { name: "bound" } } });
  });

  it("of one object by metadata.name sees only that one, and its successor under another uid", async () => {
    const first = await create("single");
    const query = { fieldSelector: "metadata.name=single", resourceVersion: versionOf(first) };
    const events = await during(query, 2, async () => {
      await create("another");
      await remove("single");
      await create("single");
    });
    expect(events.map(short)).toEqual(["DELETED single", "ADDED single"]);
    expect(events[0]?.object.metadata?.uid).toBe(first.metadata?.uid);
    expect(events[1]?.object.metadata?.uid).not.toBe(first.metadata?.uid);
  });

  it("counts the versions of all kinds together, strictly upwards", async () => {
    const from = await now();
    const secrets = await client.watch(`/api/v1/namespaces/${namespace}/secrets`, { resourceVersion: from, timeoutSeconds: 30 });
    const events = await during({ resourceVersion: from, labelSelector: "case=count" }, 5, async () => {
      for (let index = 0; index < 5; index += 1) {
        await create(`count-${index}`, { case: "count" });
        await core.createNamespacedSecret({ namespace, body: { metadata: { name: `count-${index}` } } });
      }
    });
    const others = await eventually(async () => (secrets.seen().length >= 5 ? secrets.seen() : false), "five secrets");
    secrets.stop();
    const written = events
      .flatMap((event, index) => [event, others[index]])
      .map((event) => Number(versionOf(event?.object ?? {})));
    expect(new Set(written).size).toBe(10);
    expect(written).toEqual(written.toSorted((a, b) => a - b));
  });

  it("of all namespaces sees each of them, one of a namespace only its own", async () => {
    const from = await now();
    const all = await client.watch("/api/v1/configmaps", {
      resourceVersion: from,
      labelSelector: "case=everywhere",
      timeoutSeconds: 30,
    });
    const events = await during({ resourceVersion: from, labelSelector: "case=everywhere" }, 1, async () => {
      const body = { metadata: { name: `elsewhere-${namespace}`, labels: { case: "everywhere" } } };
      await core.createNamespacedConfigMap({ namespace: "default", body });
      await create("here", { case: "everywhere" });
    });
    expect(events.map(({ object }) => object.metadata?.name)).toEqual(["here"]);
    const names = await eventually(async () => (all.seen().length >= 2 ? all.seen().map(short) : false), "both");
    all.stop();
    expect(names).toEqual([`ADDED elsewhere-${namespace}`, "ADDED here"]);
  });
});

describe.each(findKubectls())("kubectl $version", (kubectl: Kubectl) => {
  const namespace = `wait-${kubectl.minor}`;
  let k: KubectlSession;

  beforeAll(async () => {
    await core.createNamespace({ body: { metadata: { name: namespace } } });
    k = new KubectlSession(kubectl, cluster.kubeconfigPath, namespace);
  });

  it("tells the type of each event with get --watch --output-watch-events", async () => {
    const { lines, stop } = k.follow(["get", "configmaps", "-w", "-l", "case=told", "--output-watch-events", "--no-headers"]);
    await k.run(["create", "configmap", "told"]);
    await k.run(["label", "configmap", "told", "case=told"]);
    await k.run(["label", "configmap", "told", "case-"]);
    const shown = await eventually(async () => (lines.length >= 2 ? lines : false), "two lines");
    stop();
    expect(shown.map((line) => line.trim().split(/\s+/).slice(0, 2).join(" "))).toEqual(["ADDED told", "DELETED told"]);
  });

  it("waits in a delete until the last finalizer is off", async () => {
    const metadata = { name: "held", namespace, finalizers: ["example.com/hold"] };
    await core.createNamespacedConfigMap({ namespace, body: { metadata } });
    let isOver = false;
    const deletion = k.run(["delete", "configmap", "held"]).finally(() => {
      isOver = true;
    });
    const held = await eventually(async () => {
      const found = await core.readNamespacedConfigMap({ name: "held", namespace });
      return found.metadata?.deletionTimestamp ? found : false;
    }, "the deletion to be marked");
    expect(isOver).toBe(false);
    await core.replaceNamespacedConfigMap({
      name: "held",
      namespace,
      body: { ...held, metadata: { ...held.metadata, finalizers: [] } },
    });
    expect(await deletion).toContain('configmap "held" deleted');
  });
});
