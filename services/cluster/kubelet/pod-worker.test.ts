import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import { type ApiClient, ApiError } from "../api-client.ts";
import { AddressPool } from "./addresses.ts";
import type { EventRecorder } from "./events.ts";
import type { NodeContext } from "./node-context.ts";
import type { Pod, PodSpec } from "./pod.ts";
import { PodWorker } from "./pod-worker.ts";

let folder: string;
let told: string[];
let stored: Pod | undefined;
let readConfigMap: () => Promise<object>;

vi.setConfig({ testTimeout: 30_000 });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pod-worker-"));
  told = [];
  readConfigMap = async () => ({ data: { key: "value" } });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** An API that holds one pod and one ConfigMap. */
const client = {
  get: async () => readConfigMap(),
  send: async (_: string, { method, json }: { method: string; json: Pod }) => {
    if (method === "DELETE") stored = undefined;
    else stored = { ...json, metadata: { ...json.metadata, resourceVersion: `${Number(json.metadata.resourceVersion) + 1}` } };
    return stored;
  },
} as unknown as ApiClient;

const missing = new ApiError(404, "NotFound", 'configmaps "settings" not found');
const until = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 5 });

/** A worker whose container never starts, as there is no such image. */
function start(spec: Partial<PodSpec> = {}, addresses = new AddressPool("127.79.10.0/24")): PodWorker {
  const metadata = { name: "p", namespace: "n", uid: "u", resourceVersion: "1" };
  stored = {
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    spec: { automountServiceAccountToken: false, containers: [{ name: "main", image: "no/such:1" }], ...spec },
  };
  const context: NodeContext = {
    client,
    events: { record: (_: unknown, __: unknown, reason: string) => told.push(reason) } as unknown as EventRecorder,
    logger: createLogger("test", "silent"),
    person: { uid: 0, gid: 0, appIsReadable: true },
    hostIP: "127.79.0.1",
    capacity: { cpu: "4", memory: "8Gi" },
    addresses,
    imagesDir: folder,
    appDir: folder,
    hiddenInApp: [],
    rootFolder: join(folder, "root"),
    podsFolder: join(folder, "pods"),
    memoryFolder: undefined,
    authority: "",
    services: () => [],
    hostsFile: () => "",
    onAddressFreed: () => told.push("AddressFreed"),
    onGone: () => told.push("Gone"),
  };
  const worker = new PodWorker(context, stored);
  worker.wake();
  return worker;
}

const settings: Partial<PodSpec> = { volumes: [{ name: "settings", configMap: { name: "settings" } }] };

describe("a refresh of a pod's volumes", () => {
  it("tells what cannot be had as an event, and ends as if it had succeeded, so that other pods are refreshed too", async () => {
    const worker = start(settings);
    await until(() => expect(told).toContain("Failed"));
    readConfigMap = async () => Promise.reject(missing);
    expect(told).not.toContain("FailedMount");
    await expect(worker.refreshVolumes()).resolves.toBeUndefined();
    expect(told).toContain("FailedMount");
    worker.remove();
    await until(() => expect(told).toContain("Gone"));
  });

  it("leaves nothing on the disk when the pod has gone meanwhile", async () => {
    const worker = start(settings);
    await until(() => expect(told).toContain("Failed"));
    let answer = (_: object) => {};
    readConfigMap = () => new Promise((resolve) => (answer = resolve));
    const refreshing = worker.refreshVolumes();
    worker.remove();
    await until(() => expect(told).toContain("Gone"));
    answer({ data: { key: "secret" } });
    await refreshing;
    expect(existsSync(join(folder, "pods", "u"))).toBe(false);
  });
});

describe("a pod that has ended", () => {
  it("gives its address back, though its object stays", async () => {
    const addresses = new AddressPool("127.79.10.0/29");
    const worker = start({}, addresses);
    await until(() => expect(worker.podIP).toBe("127.79.10.2"));
    await until(() => {
      if (stored) worker.update({ ...stored, spec: { ...stored.spec, activeDeadlineSeconds: 1 } });
      expect(stored?.status).toMatchObject({ phase: "Failed", podIP: "127.79.10.2" });
    });
    await until(() => expect(told).toContain("AddressFreed"));
    expect(worker.podIP).toBeUndefined();
    expect(addresses.take("another", "127.79.10.2")).toBe("127.79.10.2");
    worker.remove();
    await until(() => expect(told).toContain("Gone"));
    expect(addresses.take("third", "127.79.10.2")).not.toBe("127.79.10.2");
  });
});
