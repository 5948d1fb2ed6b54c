import { rm } from "node:fs/promises";
import { type Change, resources } from "../../api.ts";
import { type Context, type Controller, runController } from "../controller.ts";
import type { Pod } from "../objects.ts";
import { ignoreNotFound, messageOf } from "../refusals.ts";
import { sameResource } from "../view.ts";
import { isBoundTo } from "./binding.ts";
import { Claims } from "./claims.ts";
import { directoryOf, volumeProtection } from "./provisioned.ts";
import type { PersistentVolume, VolumeClaim } from "./types.ts";

type PodVolume = { persistentVolumeClaim?: { claimName: string } };

/** Claims get volumes, and volumes go as their reclaim policy says when their claim is gone. */
export function startVolumeController(context: Context): Controller {
  const { cluster, view, volumesDir, logger } = context;
  const events = context.recorder("persistentvolume-controller");
  const podsByClaim = view.index<Pod>(resources.pods, claimKeysOf);
  const claims = new Claims(context, podsByClaim);
  return runController(context, { name: "volumes", keysFor, reconcile, concurrency: 1 });

  function* keysFor({ id, type, object, previous }: Change): Iterable<string> {
    if (sameResource(id, resources.persistentVolumeClaims)) {
      yield claimKey(object.metadata.namespace ?? "", object.metadata.name);
      const { volumeName } = (object as VolumeClaim).spec;
      if (volumeName) yield volumeKey(volumeName);
      for (const { metadata, spec } of type === "DELETED" ? cluster.list<PersistentVolume>(resources.persistentVolumes) : [])
        if (spec.claimRef?.uid === object.metadata.uid) yield volumeKey(metadata.name);
    }
    if (sameResource(id, resources.persistentVolumes)) {
      yield volumeKey(object.metadata.name);
      const { claimRef } = (object as PersistentVolume).spec;
      if (claimRef) yield claimKey(claimRef.namespace ?? "", claimRef.name ?? "");
      else yield* pending();
    }
    if (sameResource(id, resources.storageClasses)) yield* pending();
    if (!sameResource(id, resources.pods)) return;
    if (type === "DELETED" || (object as Pod).status?.phase !== (previous as Pod | undefined)?.status?.phase) {
      for (const key of claimKeysOf(object as Pod)) yield `claim:${key}`;
    }
  }

  function* pending(): Iterable<string> {
    for (const { metadata, spec } of cluster.list<VolumeClaim>(resources.persistentVolumeClaims))
      if (!spec.volumeName) yield claimKey(metadata.namespace ?? "", metadata.name);
  }

  async function reconcile(key: string): Promise<undefined> {
    const [kind, rest = ""] = key.split(":");
    if (kind === "claim") {
      const [namespace = "", name = ""] = rest.split("/");
      const claim = cluster.get<VolumeClaim>(resources.persistentVolumeClaims, namespace, name);
      if (claim) await claims.reconcile(claim);
      return;
    }
    const volume = cluster.get<PersistentVolume>(resources.persistentVolumes, "", rest);
    if (volume) await reconcileVolume(volume);
  }

  async function reconcileVolume(volume: PersistentVolume): Promise<void> {
    const { metadata, spec, status } = volume;
    const { finalizers = [], deletionTimestamp } = metadata;
    if (!deletionTimestamp && !finalizers.includes(volumeProtection)) {
      const changed = { ...metadata, finalizers: [...finalizers, volumeProtection] };
      await cluster.update<PersistentVolume>(resources.persistentVolumes, { ...volume, metadata: changed });
      return;
    }
    const phase = phaseOf(volume);
    if (phase === "Released" && spec.persistentVolumeReclaimPolicy === "Delete") return reclaim(volume);
    if (deletionTimestamp && phase !== "Bound") return remove(volume);
    if (status?.phase !== phase) {
      await cluster.updateStatus<PersistentVolume>(resources.persistentVolumes, { ...volume, status: { phase } });
    }
  }

  function phaseOf(volume: PersistentVolume): "Available" | "Bound" | "Released" {
    const { claimRef } = volume.spec;
    if (!claimRef?.uid) return "Available";
    const claim = cluster.get<VolumeClaim>(resources.persistentVolumeClaims, claimRef.namespace ?? "", claimRef.name ?? "");
    return claim && isBoundTo(volume, claim) ? "Bound" : "Released";
  }

  /** The directory goes before the object: after a crash in between, the object still says that there is work to do. */
  async function reclaim(volume: PersistentVolume): Promise<void> {
    const directory = volumesDir && directoryOf(volume, volumesDir);
    if (!directory) {
      const message = "error getting deleter volume plugin for volume: no deletable volume plugin matched";
      if (volume.status?.phase === "Failed") return;
      events.record(volume, { type: "Warning", reason: "VolumeFailedDelete", message });
      const status = { phase: "Failed" as const, message };
      await cluster.updateStatus<PersistentVolume>(resources.persistentVolumes, { ...volume, status });
      return;
    }
    try {
      await rm(directory, { recursive: true, force: true });
    } catch (error) {
      events.record(volume, { type: "Warning", reason: "VolumeFailedDelete", message: messageOf(error) });
      throw error;
    }
    logger.info({ volume: volume.metadata.name }, "deleted a volume and its directory");
    await remove(volume);
  }

  async function remove(volume: PersistentVolume): Promise<void> {
    const { name, uid, finalizers = [] } = volume.metadata;
    if (!volume.metadata.deletionTimestamp) {
      await cluster.delete(resources.persistentVolumes, "", name, { preconditions: { uid } }).catch(ignoreNotFound);
      return;
    }
    const metadata = { ...volume.metadata, finalizers: finalizers.filter((one) => one !== volumeProtection) };
    await cluster.update<PersistentVolume>(resources.persistentVolumes, { ...volume, metadata });
  }
}

function claimKeysOf({ metadata, spec }: Pod): string[] {
  const volumes = (spec.volumes ?? []) as PodVolume[];
  return volumes.flatMap(({ persistentVolumeClaim }) =>
    persistentVolumeClaim ? [`${metadata.namespace}/${persistentVolumeClaim.claimName}`] : [],
  );
}

function claimKey(namespace: string, name: string): string {
  return `claim:${namespace}/${name}`;
}

function volumeKey(name: string): string {
  return `volume:${name}`;
}
