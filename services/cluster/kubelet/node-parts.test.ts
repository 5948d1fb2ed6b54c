import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AddressPool } from "./addresses.ts";
import { commandOf, identityOf } from "./container-spec.ts";
import { HostsFiles, hostsText } from "./hosts.ts";
import { pullImage, splitReference } from "./images.ts";
import { hiddenFolders } from "./kubelet.ts";
import type { Container, Pod } from "./pod.ts";
import { Verdict } from "./probes.ts";
import { parseMemory, parseStat } from "./process-table.ts";
import { keyFiles } from "./volume-content.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kubelet-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("pod addresses", () => {
  it("are given from .2 upward, each to one pod, and a pod keeps its own", () => {
    const pool = new AddressPool("127.10.10.0/24");
    expect([pool.take("a"), pool.take("b"), pool.take("a")]).toEqual(["127.10.10.2", "127.10.10.3", "127.10.10.2"]);
  });

  it("that were freed are given out again only after the others", () => {
    const pool = new AddressPool("127.10.10.0/24");
    pool.take("a");
    pool.release("a");
    expect(pool.take("b")).toBe("127.10.10.3");
  });

  it("are the wanted ones while they are free and the node's own", () => {
    const pool = new AddressPool("127.10.10.0/24");
    expect(pool.take("a", "127.10.10.77")).toBe("127.10.10.77");
    expect(pool.take("b", "127.10.10.77")).toBe("127.10.10.2");
    expect(pool.take("c", "127.10.20.5")).toBe("127.10.10.3");
  });

  it("run out with a clear error", () => {
    const pool = new AddressPool("127.10.10.0/29");
    for (let index = 0; index < 5; index += 1) pool.take(`pod-${index}`);
    expect(() => pool.take("one too many")).toThrow("in use");
  });
});

describe("the image catalogue", () => {
  it.each([
    ["redis:7.0", "redis", "7.0"],
    ["docker.io/library/redis", "redis", "latest"],
    ["docker.io/switchyard/relay:2.0.0", "switchyard/relay", "2.0.0"],
    ["registry.example.com:5000/a/b:1", "registry.example.com:5000/a/b", "1"],
    ["redis:7.0@sha256:abc", "redis", "7.0"],
  ])("splits %s into %s and %s", (reference, name, tag) => {
    expect(splitReference(reference)).toEqual({ name, tag });
  });

  it("merges a tag's settings over the file's", () => {
    const entry = { name: "a/b", command: ["run"], env: { A: "1", B: "1" }, tags: { v1: { env: { B: "2" }, args: ["x"] } } };
    writeFileSync(join(folder, "any-name.json"), JSON.stringify(entry));
    expect(pullImage(folder, "a/b:v1")).toMatchObject({
      command: ["run"],
      args: ["x"],
      env: { A: "1", B: "2" },
      workingDir: "/",
    });
  });

  it("says that an unknown tag was not found", () => {
    expect(() => pullImage(folder, "a/b:v9")).toThrow(/a\/b:v9 .*not found/);
  });

  it("names the package of a missing program", () => {
    const entry = { name: "x", requires: [{ path: "/nonexistent/x", package: "x-server" }], tags: { "1": {} } };
    writeFileSync(join(folder, "x.json"), JSON.stringify(entry));
    expect(() => pullImage(folder, "x:1")).toThrow("apt-get install x-server");
  });

  it("has the demo's images", () => {
    const catalogue = join(import.meta.dirname, "..", "images");
    const relay = ["2.0.0", "2.1.0", "2.2.0"].map((tag) => pullImage(catalogue, `switchyard/relay:${tag}`).env);
    expect(relay.map((env) => env.RELAY_COMMIT_WINDOW_MS)).toEqual(["10", "2", "2"]);
    expect(relay.map((env) => env.FAULT_LATENCY_MS)).toEqual([undefined, undefined, "120"]);
    for (const name of ["hub", "edge", "connector", "issuer", "prober"]) {
      expect(pullImage(catalogue, `switchyard/${name}:1.0.0`).command).toEqual(["node", `services/${name}/main.ts`]);
    }
  });
});

describe("what a container runs", () => {
  const image = { command: ["entry"], args: ["default"] };
  const base = { user: { uid: 1000, gid: 1000, name: "app" } } as Parameters<typeof identityOf>[2];
  const root = { uid: 0, gid: 0, appIsReadable: true };
  const person = { uid: 501, gid: 20, appIsReadable: true };
  const pod = (securityContext: object): Pod => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", namespace: "n", uid: "u", resourceVersion: "1" },
    spec: { containers: [], securityContext },
  });
  const container = (securityContext = {}): Container => ({ name: "c", image: "x", securityContext });

  it("follows Kubernetes' rules for command and args", () => {
    expect(commandOf({}, image)).toEqual(["entry", "default"]);
    expect(commandOf({ args: ["mine"] }, image)).toEqual(["entry", "mine"]);
    expect(commandOf({ command: ["mine"] }, image)).toEqual(["mine"]);
  });

  it("is the image's user, the pod's, or the container's, the nearest winning", () => {
    expect(identityOf(container(), pod({}), base, root)).toEqual({ uid: 1000, gid: 1000, groups: [] });
    expect(identityOf(container(), pod({ runAsUser: 999, runAsGroup: 998, fsGroup: 7 }), base, root)).toEqual({
      uid: 999,
      gid: 998,
      groups: [7],
    });
    expect(identityOf(container({ runAsUser: 5 }), pod({ runAsUser: 999 }), base, root).uid).toBe(5);
    const groups = { runAsUser: 999, fsGroup: 7, supplementalGroups: [8, 9] };
    expect(identityOf(container(), pod(groups), base, root).groups).toEqual([7, 8, 9]);
  });

  it("is the person when the kubelet is not root", () => {
    expect(identityOf(container(), pod({ runAsUser: 999, fsGroup: 7 }), base, person)).toEqual({ uid: 501, gid: 20, groups: [] });
  });

  it("refuses root where the pod forbids it", () => {
    expect(() => identityOf(container({ runAsUser: 0 }), pod({ runAsNonRoot: true }), base, root)).toThrow("non-root");
  });
});

describe("names in /etc/hosts", () => {
  const services = [
    { metadata: { name: "redis", namespace: "fleet" }, spec: { clusterIP: "127.11.0.5" } },
    { metadata: { name: "prometheus", namespace: "monitoring" }, spec: { clusterIP: "127.11.0.6" } },
    { metadata: { name: "db", namespace: "fleet" }, spec: { clusterIP: "None" } },
    { metadata: { name: "cache", namespace: "fleet" }, spec: { externalName: "redis.fleet.svc.cluster.local" } },
    { metadata: { name: "circle", namespace: "fleet" }, spec: { externalName: "circle.fleet.svc.cluster.local" } },
  ];
  const labels = { "kubernetes.io/service-name": "db" };
  const slices = [
    {
      metadata: { name: "db-1", namespace: "fleet", uid: "1", resourceVersion: "1", labels },
      endpoints: [
        { addresses: ["127.10.10.9"], hostname: "db-0" },
        { addresses: ["127.10.10.8"], conditions: { ready: false } },
      ],
    },
  ];
  const text = hostsText({ namespace: "fleet", services, slices, pods: [{ name: "relay-1", ip: "127.10.10.3" }] });

  it("are short only for Services of the reader's namespace", () => {
    expect(text).toContain("127.11.0.5 redis redis.fleet redis.fleet.svc redis.fleet.svc.cluster.local\n");
    expect(text).toContain("127.11.0.6 prometheus.monitoring prometheus.monitoring.svc ");
    expect(text).not.toMatch(/ prometheus /);
  });

  it("lead to the ready endpoints of a headless Service and to its pods by name", () => {
    expect(text).toMatch(/^127\.10\.10\.9 db-0\.db .* db db\.fleet/m);
    expect(text).not.toContain("127.10.10.8");
    expect(text).toContain("127.10.10.3 relay-1\n");
  });

  it("follow an ExternalName to the Service that it names, and leave out one that names itself", () => {
    expect(text).toContain("127.11.0.5 cache cache.fleet cache.fleet.svc cache.fleet.svc.cluster.local\n");
    expect(text).not.toContain("circle");
  });

  it("are rewritten in place, so that a bind mount sees the change", () => {
    const files = new HostsFiles(join(folder, "hosts"));
    files.write("fleet", "a long first text\n");
    const inode = statSync(files.pathOf("fleet")).ino;
    files.write("fleet", "short\n");
    expect(statSync(files.pathOf("fleet")).ino).toBe(inode);
    expect(readFileSync(files.pathOf("fleet"), "utf8")).toBe("short\n");
  });
});

describe("a probe's verdict", () => {
  it("changes after as many results in a row as the thresholds say", () => {
    const verdict = new Verdict({ successThreshold: 2, failureThreshold: 3 });
    const changes = [true, true, false, false, true, false, false, false].map((ok) => verdict.take(ok));
    expect(changes).toEqual([false, true, false, false, false, false, false, true]);
    expect(verdict.value).toBe(false);
  });
});

describe("the process table", () => {
  it("is read although names may hold blanks and parentheses", () => {
    const rest = ["S", 7, ...Array(9).fill(0), 11, 22, 33, 44, ...Array(4).fill(0), 12345, 0, 99].join(" ");
    expect(parseStat(`42 (a) b (c)) ${rest}`)).toEqual({
      pid: 42,
      state: "S",
      parent: 7,
      cpuTicks: 110,
      startTime: 12345,
    });
  });

  it("tells a process's memory by kind", () => {
    const text = "VmRSS:\t     500 kB\nRssAnon:\t     156 kB\nRssFile:\t    1904 kB\nRssShmem:\t       4 kB\n";
    expect(parseMemory(text)).toEqual({ anonymous: 156 * 1024, file: 1904 * 1024, shared: 4 * 1024 });
  });
});

describe("files of a volume", () => {
  const data = { a: Buffer.from("1"), b: Buffer.from("2") };

  it("are all keys, or the chosen ones at their paths and modes", () => {
    expect(keyFiles("secret", "s", data, { defaultMode: 0o400 }).map(({ path, mode }) => [path, mode])).toEqual([
      ["a", 0o400],
      ["b", 0o400],
    ]);
    expect(keyFiles("configmap", "c", data, { items: [{ key: "b", path: "x/y", mode: 0o600 }] })).toEqual([
      { path: "x/y", data: data.b, mode: 0o600 },
    ]);
  });

  it("fail in Kubernetes' words when something is missing", () => {
    expect(() => keyFiles("secret", "s", undefined, {})).toThrow('secret "s" not found');
    expect(() => keyFiles("configmap", "c", data, { items: [{ key: "z", path: "z" }] })).toThrow(
      "references non-existent config key: z",
    );
    expect(keyFiles("secret", "s", undefined, { optional: true })).toEqual([]);
  });
});

it("hides the cluster's own data from containers wherever it is inside the project", () => {
  expect(hiddenFolders("/app", "/app/state/nodes/1")).toContain("state");
  expect(hiddenFolders("/app", "/elsewhere")).toEqual([".switchyard", ".git"]);
});
