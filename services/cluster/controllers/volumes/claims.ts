import { isDeepStrictEqual } from "node:util";
import { resources } from "../../api.ts";
import type { Context } from "../controller.ts";
import type { Pod } from "../objects.ts";
import { hasEnded } from "../pod-state.ts";
import { ignoreExisting } from "../refusals.ts";
import type { Index } from "../view.ts";
import { findVolume, isBoundTo } from "./binding.ts";
import { claimProtection, localProvisioner, newVolume } from "./provisioned.ts";
import type { PersistentVolume, StorageClass, VolumeClaim } from "./types.ts";

type Message = { type: "Normal" | "Warning"; reason: string; message: string };

/** Binds claims to volumes, makes the volumes of the local class, and keeps claims that pods still use. */
export class Claims {
  readonly #context: Context;
  readonly #podsByClaim: Index<Pod>;
  readonly #record: (claim: VolumeClaim, message: Message) => void;

  constructor(context: Context, podsByClaim: Index<Pod>) {
    this.#context = context;
    this.#podsByClaim = podsByClaim;
    const events = context.recorder("persistentvolume-controller");
    this.#record = (claim, message) => events.record(claim, message);
  }

  async reconcile(claim: VolumeClaim): Promise<void> {
    const { cluster } = this.#context;
    const { finalizers = [], deletionTimestamp } = claim.metadata;
    if (deletionTimestamp) return this.#letGo(claim);
    if (!finalizers.includes(claimProtection)) {
      const metadata = { ...claim.metadata, finalizers: [...finalizers, claimProtection] };
      await cluster.update<VolumeClaim>(resources.persistentVolumeClaims, { ...claim, metadata });
      return;
    }
    if (claim.spec.volumeName) await this.#settle(claim);
    else await this.#bind(claim);
  }

  async #letGo(claim: VolumeClaim): Promise<void> {
    const { finalizers = [], namespace, name } = claim.metadata;
    const isUsed = this.#podsByClaim.get(`${namespace}/${name}`).some((pod) => !hasEnded(pod));
    if (isUsed || !finalizers.includes(claimProtection)) return;
    const metadata = { ...claim.metadata, finalizers: finalizers.filter((one) => one !== claimProtection) };
    await this.#context.cluster.update<VolumeClaim>(resources.persistentVolumeClaims, { ...claim, metadata });
  }

  async #bind(claim: VolumeClaim): Promise<void> {
    const { cluster, volumesDir } = this.#context;
    const volumes = cluster.list<PersistentVolume>(resources.persistentVolumes);
    const volume = volumes.find((one) => isBoundTo(one, claim)) ?? findVolume(claim, volumes);
    if (volume) return this.#bindTo(claim, volume);
    const storageClass = this.#classOf(claim);
    if (!storageClass) return;
    const { provisioner, volumeBindingMode } = storageClass;
    const consumers = this.#podsByClaim.count(`${claim.metadata.namespace}/${claim.metadata.name}`);
    if (volumeBindingMode === "WaitForFirstConsumer" && consumers === 0) {
      const message = "waiting for first consumer to be created before binding";
      this.#record(claim, { type: "Normal", reason: "WaitForFirstConsumer", message });
    } else if (provisioner !== localProvisioner || !volumesDir) {
      const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
      this.#record(claim, { type: "Normal", reason: "ExternalProvisioning", message });
    } else {
      const wanted = newVolume(claim, storageClass, volumesDir);
      await cluster.create<PersistentVolume>(resources.persistentVolumes, wanted).catch(ignoreExisting);
      const message = `Successfully provisioned volume ${wanted.metadata.name}`;
      this.#record(claim, { type: "Normal", reason: "ProvisioningSucceeded", message });
    }
  }

  #classOf(claim: VolumeClaim): StorageClass | undefined {
    const name = claim.spec.storageClassName ?? "";
    const found = name ? this.#context.cluster.get<StorageClass>(resources.storageClasses, "", name) : undefined;
    if (found) return found;
    if (name) {
      const message = `storageclass.storage.k8s.io "${name}" not found`;
      this.#record(claim, { type: "Warning", reason: "ProvisioningFailed", message });
      return undefined;
    }
    const message = "no persistent volumes available for this claim and no storage class is set";
    this.#record(claim, { type: "Normal", reason: "FailedBinding", message });
    return undefined;
  }

  /** The volume names the claim before the claim names the volume: a crash in between leaves both bound, never one bound twice. */
  async #bindTo(claim: VolumeClaim, volume: PersistentVolume): Promise<void> {
    const { cluster } = this.#context;
    if (!isBoundTo(volume, claim)) {
      const { namespace, name, uid, resourceVersion } = claim.metadata;
      const claimRef = { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name, uid, resourceVersion };
      await cluster.update<PersistentVolume>(resources.persistentVolumes, { ...volume, spec: { ...volume.spec, claimRef } });
    }
    const annotations = {
      ...claim.metadata.annotations,
      "pv.kubernetes.io/bind-completed": "yes",
      "pv.kubernetes.io/bound-by-controller": "yes",
      ...(volume.metadata.name === `pvc-${claim.metadata.uid}`
        ? { "volume.kubernetes.io/storage-provisioner": localProvisioner }
        : {}),
    };
    const spec = { ...claim.spec, volumeName: volume.metadata.name };
    const metadata = { ...claim.metadata, annotations };
    const bound = await cluster.update<VolumeClaim>(resources.persistentVolumeClaims, { ...claim, metadata, spec });
    await this.#settle(bound);
  }

  async #settle(claim: VolumeClaim): Promise<void> {
    const { cluster } = this.#context;
    const volume = cluster.get<PersistentVolume>(resources.persistentVolumes, "", claim.spec.volumeName ?? "");
    const wasBound = claim.metadata.annotations?.["pv.kubernetes.io/bind-completed"] === "yes";
    if (!wasBound) {
      if (volume && findVolume(claim, [volume])) await this.#bindTo(claim, volume);
      return;
    }
    if (!volume || !isBoundTo(volume, claim)) {
      if (claim.status?.phase === "Lost") return;
      const message = volume
        ? "Bound claim has lost reference to PersistentVolume"
        : "Bound claim has lost its PersistentVolume. Data on the volume is lost!";
      this.#record(claim, { type: "Warning", reason: volume ? "ClaimMisbound" : "ClaimLost", message });
      await this.#setStatus(claim, { phase: "Lost" });
      return;
    }
    await this.#setStatus(claim, { phase: "Bound", accessModes: volume.spec.accessModes, capacity: volume.spec.capacity });
  }

  async #setStatus(claim: VolumeClaim, status: NonNullable<VolumeClaim["status"]>): Promise<void> {
    if (isDeepStrictEqual(claim.status, status)) return;
    await this.#context.cluster.updateStatus<VolumeClaim>(resources.persistentVolumeClaims, { ...claim, status });
  }
}
