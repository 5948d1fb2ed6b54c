import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import { type NewObject, resources } from "../../api.ts";
import type { KubeEvent, Pod } from "../objects.ts";
import { startControllers } from "../start.ts";
import { eventually } from "../test/eventually.ts";
import { FakeTime } from "../test/fake-time.ts";
import { MemoryCluster } from "../test/memory-cluster.ts";
import { findVolume } from "./binding.ts";
import { directoryOf } from "./provisioned.ts";
import type { PersistentVolume, StorageClass, VolumeClaim } from "./types.ts";

let cluster: MemoryCluster;
let volumesDir: string;
let controllers: { stop(): Promise<void> };

beforeEach(async () => {
  const time = new FakeTime();
  volumesDir = await mkdtemp(join(tmpdir(), "switchyard-volumes-"));
  cluster = new MemoryCluster(time);
  await cluster.create<StorageClass>(resources.storageClasses, {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name: "standard" },
    provisioner: "switchyard.dev/local",
    reclaimPolicy: "Delete",
    volumeBindingMode: "Immediate",
  });
  controllers = startControllers({
    cluster,
    logger: createLogger("volumes-test", "silent"),
    clock: time,
    timers: time,
    volumesDir,
  });
});

afterEach(async () => {
  await controllers.stop();
  await rm(volumesDir, { recursive: true, force: true });
});

const claimOf = (name: string, spec: Partial<VolumeClaim["spec"]> = {}): NewObject<VolumeClaim> => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name, namespace: "fleet" },
  spec: {
    accessModes: ["ReadWriteOnce"],
    resources: { requests: { storage: "1Gi" } },
    storageClassName: "standard",
    ...spec,
  },
});

const volumeOf = (name: string, spec: Partial<PersistentVolume["spec"]> = {}): NewObject<PersistentVolume> => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name },
  spec: {
    accessModes: ["ReadWriteOnce"],
    capacity: { storage: "2Gi" },
    hostPath: { path: join(volumesDir, "elsewhere") },
    persistentVolumeReclaimPolicy: "Retain",
    storageClassName: "",
    ...spec,
  },
});

const claim = (name = "data") => cluster.get<VolumeClaim>(resources.persistentVolumeClaims, "fleet", name);
const volume = (name: string) => cluster.get<PersistentVolume>(resources.persistentVolumes, "", name);
const createClaim = (wanted: NewObject<VolumeClaim>) => cluster.create<VolumeClaim>(resources.persistentVolumeClaims, wanted);
const createVolume = (wanted: NewObject<PersistentVolume>) =>
  cluster.create<PersistentVolume>(resources.persistentVolumes, wanted);
const boundClaim = (name = "data") =>
  eventually("the claim is bound", () => claim(name)?.status?.phase === "Bound" && claim(name));
const events = () => cluster.list<KubeEvent>(resources.events);
const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

async function createPod(claimName: string): Promise<Pod> {
  return cluster.create<Pod>(resources.pods, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "user", namespace: "fleet" },
    spec: { containers: [], volumes: [{ name: "data", persistentVolumeClaim: { claimName } }] },
  });
}

describe("a claim of the local class", () => {
  it("gets a volume with a directory of its own, and both are bound", async () => {
    await createClaim(claimOf("data"));
    const bound = await boundClaim();
    const name = bound.spec.volumeName ?? "";
    expect(name).toBe(`pvc-${bound.metadata.uid}`);
    expect(bound.status).toEqual({ phase: "Bound", accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" } });
    expect(bound.metadata.finalizers).toEqual(["kubernetes.io/pvc-protection"]);
    await eventually("the volume is bound", () => volume(name)?.status?.phase === "Bound");
    expect(volume(name)?.spec).toMatchObject({
      hostPath: { path: join(volumesDir, name), type: "DirectoryOrCreate" },
      persistentVolumeReclaimPolicy: "Delete",
      claimRef: { namespace: "fleet", name: "data", uid: bound.metadata.uid },
    });
  });

  it("takes its volume and its directory with it", async () => {
    await createClaim(claimOf("data"));
    const name = (await boundClaim()).spec.volumeName ?? "";
    await mkdir(join(volumesDir, name));
    await writeFile(join(volumesDir, name, "dump.rdb"), "data");
    await cluster.delete(resources.persistentVolumeClaims, "fleet", "data");
    await eventually("claim and volume are gone", () => !claim() && !volume(name));
    expect(await exists(join(volumesDir, name))).toBe(false);
  });

  it("stays while a pod uses it, and goes when the pod has ended", async () => {
    await createClaim(claimOf("data"));
    await boundClaim();
    await createPod("data");
    await cluster.delete(resources.persistentVolumeClaims, "fleet", "data");
    expect(claim()?.metadata.deletionTimestamp).toBeDefined();
    await createClaim(claimOf("later"));
    await boundClaim("later");
    expect(claim()?.metadata.finalizers).toEqual(["kubernetes.io/pvc-protection"]);
    const pod = cluster.get<Pod>(resources.pods, "fleet", "user");
    if (!pod) throw new Error("no pod");
    await cluster.updateStatus<Pod>(resources.pods, { ...pod, status: { phase: "Succeeded" } });
    await eventually("the claim is gone", () => !claim());
  });

  it("keeps volume and directory with the policy Retain", async () => {
    await createClaim(claimOf("data"));
    const name = (await boundClaim()).spec.volumeName ?? "";
    await mkdir(join(volumesDir, name));
    const bound = await eventually("the volume is bound", () => volume(name)?.status?.phase === "Bound" && volume(name));
    await cluster.update<PersistentVolume>(resources.persistentVolumes, {
      ...bound,
      spec: { ...bound.spec, persistentVolumeReclaimPolicy: "Retain" },
    });
    await cluster.delete(resources.persistentVolumeClaims, "fleet", "data");
    await eventually("the volume is released", () => volume(name)?.status?.phase === "Released");
    await cluster.delete(resources.persistentVolumes, "", name);
    await eventually("the volume is gone", () => !volume(name));
    expect(await exists(join(volumesDir, name))).toBe(true);
  });

  it("is lost when its volume is", async () => {
    await createClaim(claimOf("data"));
    const name = (await boundClaim()).spec.volumeName ?? "";
    const held = await eventually("the volume is bound", () => volume(name)?.status?.phase === "Bound" && volume(name));
    await cluster.delete(resources.persistentVolumes, "", name);
    const going = volume(name);
    expect(going?.metadata.deletionTimestamp).toBeDefined();
    if (!going) throw new Error("the volume went while it was bound");
    await cluster.update<PersistentVolume>(resources.persistentVolumes, {
      ...going,
      metadata: { ...going.metadata, finalizers: [] },
    });
    await eventually("the claim is lost", () => claim()?.status?.phase === "Lost");
    expect(held.metadata.finalizers).toEqual(["kubernetes.io/pv-protection"]);
  });
});

describe("a claim without a provisioner", () => {
  it("waits, says why, and takes the smallest volume that is large enough", async () => {
    await createClaim(claimOf("data", { storageClassName: "" }));
    await eventually("the event", () => events().some(({ reason }) => reason === "FailedBinding"));
    await createVolume(volumeOf("large", { capacity: { storage: "9Gi" } }));
    await boundClaim();
    expect(claim()?.spec.volumeName).toBe("large");
  });

  it("names a class that does not exist", async () => {
    await createClaim(claimOf("data", { storageClassName: "fast" }));
    const event = await eventually("the event", () => events().find(({ reason }) => reason === "ProvisioningFailed"));
    expect(event.message).toBe('storageclass.storage.k8s.io "fast" not found');
  });

  it("leaves a Delete volume that nobody can delete as Failed, directory and all", async () => {
    await mkdir(join(volumesDir, "elsewhere"));
    await createVolume(volumeOf("manual", { persistentVolumeReclaimPolicy: "Delete" }));
    await createClaim(claimOf("data", { storageClassName: "" }));
    await boundClaim();
    await cluster.delete(resources.persistentVolumeClaims, "fleet", "data");
    await eventually("the volume has failed", () => volume("manual")?.status?.phase === "Failed");
    expect(await exists(join(volumesDir, "elsewhere"))).toBe(true);
  });
});

describe("which volume a claim takes", () => {
  const wanted = { ...claimOf("data", { storageClassName: "" }), metadata: { ...claimOf("data").metadata, uid: "claim-uid" } };
  const pick = (...volumes: NewObject<PersistentVolume>[]) =>
    findVolume(wanted as VolumeClaim, volumes as PersistentVolume[])?.metadata.name;

  it("is large enough, of its class, and allows its access modes", () => {
    expect(pick(volumeOf("small", { capacity: { storage: "500Mi" } }))).toBeUndefined();
    expect(pick(volumeOf("other", { storageClassName: "standard" }))).toBeUndefined();
    expect(pick(volumeOf("readonly", { accessModes: ["ReadOnlyMany"] }))).toBeUndefined();
    expect(pick(volumeOf("large", { capacity: { storage: "9Gi" } }), volumeOf("fits"))).toBe("fits");
  });

  it("is never one that is kept for another claim, but first of all one that is kept for it", () => {
    const claimRef = { namespace: "fleet", name: "data" };
    expect(pick(volumeOf("taken", { claimRef: { ...claimRef, uid: "another" } }))).toBeUndefined();
    expect(pick(volumeOf("fits"), volumeOf("kept", { claimRef, capacity: { storage: "9Gi" } }))).toBe("kept");
  });
});

describe("the directory that goes with a volume", () => {
  const made = (name: string, path: string) =>
    ({
      metadata: { name, annotations: { "pv.kubernetes.io/provisioned-by": "switchyard.dev/local" } },
      spec: { hostPath: { path } },
    }) as unknown as PersistentVolume;

  it.each([
    ["/", "pvc-1"],
    ["/data/volumes", "pvc-1"],
    ["/data/volumes/pvc-2", "pvc-1"],
    ["/data/volumes/pvc-1/../..", "pvc-1"],
    ["/data/volumes/..", ".."],
    ["/etc", "etc"],
  ])("is never %s of a volume named %s", (path, name) => {
    expect(directoryOf(made(name, path), "/data/volumes")).toBeUndefined();
  });

  it("is the one below the volumes' own that has its name", () => {
    expect(directoryOf(made("pvc-1", "/data/volumes/pvc-1"), "/data/volumes")).toBe("/data/volumes/pvc-1");
  });
});
