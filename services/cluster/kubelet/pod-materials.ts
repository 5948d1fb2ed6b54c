import { mkdirSync, rmSync } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { findClaim } from "./claims.ts";
import { configurationOf } from "./configuration.ts";
import { identityOf, ownerOf, type Prepared, prepareContainer } from "./container-spec.ts";
import { serviceEnvironment } from "./environment.ts";
import { type Image, pullImage } from "./images.ts";
import type { NodeContext } from "./node-context.ts";
import type { Container, Pod, Volume } from "./pod.ts";
import { readRecord } from "./pod-record.ts";
import { parseQuantity } from "./resources.ts";
import { accessVolumeOf, PodTokens, wantsToken, withAccess } from "./service-account.ts";
import { type Owner, type PreparedVolume, prepareVolumes } from "./volumes.ts";

/** What a pod's containers are started with: its address, its volumes, and for each container its sandbox and environment. */
export class PodMaterials {
  readonly #context: NodeContext;
  readonly #pod: () => Pod;
  readonly #folder: string;
  readonly #tokens: PodTokens;
  #podIP: string | undefined;
  #access: Volume | undefined;
  #areReady = false;
  #isReleased = false;

  constructor(context: NodeContext, pod: () => Pod, folder: string) {
    this.#context = context;
    this.#pod = pod;
    this.#folder = folder;
    this.#tokens = new PodTokens(context.client, pod());
  }

  get podIP(): string | undefined {
    return this.#podIP;
  }

  get areReady(): boolean {
    return this.#areReady;
  }

  /** Takes the pod's address, the one that it had before when that is free. */
  takeAddress(): void {
    const { addresses, hostIP } = this.#context;
    const { metadata, spec, status } = this.#pod();
    const known = this.#podIP ?? readRecord(this.#folder)?.podIP ?? status?.podIP;
    this.#podIP = spec.hostNetwork ? hostIP : addresses.take(metadata.uid, known);
  }

  /** Makes the pod's volumes. Rejects with MountError while one of them cannot be had. */
  async prepare(): Promise<void> {
    const pod = this.#pod();
    this.#access = (await wantsToken(this.#context.client, pod)) ? accessVolumeOf(pod.spec) : undefined;
    await this.#makeVolumes();
    this.#areReady = true;
  }

  /** Brings the files of ConfigMaps, Secrets and tokens up to date. */
  async refresh(): Promise<void> {
    if (!this.#areReady) return;
    try {
      await this.#makeVolumes();
    } finally {
      // The pod may have gone meanwhile: what was written since then would stay.
      if (this.#isReleased) this.#removeFiles();
    }
  }

  async prepareContainer(container: Container, image: Image): Promise<Prepared> {
    const { capacity, client, hostIP, person, services, appDir, hiddenInApp, rootFolder, hostsFile } = this.#context;
    const pod = this.#pod();
    const { namespace } = pod.metadata;
    return prepareContainer({
      container: withAccess(container, this.#access),
      image,
      person,
      appDir,
      hiddenInApp,
      rootFolder,
      podFolder: this.#folder,
      // Secrets and ConfigMaps may have changed since the container ran last.
      volumes: await this.#makeVolumes(),
      hostsFile: hostsFile(namespace),
      sources: {
        pod,
        network: { podIP: this.#podIP ?? "", hostIP },
        serviceEnv: serviceEnvironment(services(), namespace, pod.spec.enableServiceLinks ?? true),
        capacity,
        lookup: configurationOf(client, namespace),
      },
    });
  }

  /** The emptyDir volume that holds more than its limit allows, if there is one. */
  async findOverfull(): Promise<{ name: string; sizeLimit: string } | undefined> {
    if (!this.#areReady) return undefined;
    for (const { name, emptyDir } of this.#pod().spec.volumes ?? []) {
      const sizeLimit = emptyDir?.sizeLimit;
      if (!sizeLimit || parseQuantity(sizeLimit) <= 0) continue;
      const parent = emptyDir.medium === "Memory" ? this.#memoryFolder() : join(this.#folder, "volumes");
      if (parent && (await sizeOf(join(parent, name))) > parseQuantity(sizeLimit)) return { name, sizeLimit };
    }
    return undefined;
  }

  /** Gives the address back when it has one: as in Kubernetes, a pod that has ended keeps it in its status only. */
  releaseAddress(): void {
    if (this.#podIP === undefined) return;
    this.#context.addresses.release(this.#pod().metadata.uid);
    this.#podIP = undefined;
    this.#context.onAddressFreed();
  }

  /** Gives everything back. */
  release(): void {
    this.#isReleased = true;
    this.releaseAddress();
    this.#removeFiles();
  }

  #removeFiles(): void {
    rmSync(this.#folder, { recursive: true, force: true });
    const memory = this.#memoryFolder();
    if (memory) rmSync(memory, { recursive: true, force: true });
  }

  #memoryFolder(): string | undefined {
    const { memoryFolder } = this.#context;
    return memoryFolder && join(memoryFolder, this.#pod().metadata.uid);
  }

  #makeVolumes(): Promise<Map<string, PreparedVolume>> {
    const { authority, capacity, client, hostIP, person } = this.#context;
    const pod = this.#pod();
    const { namespace } = pod.metadata;
    const folder = join(this.#folder, "volumes");
    mkdirSync(folder, { recursive: true });
    const volumes = [...(pod.spec.volumes ?? []), ...(this.#access ? [this.#access] : [])];
    return prepareVolumes(volumes, {
      pod,
      network: { podIP: this.#podIP ?? "", hostIP },
      capacity,
      authority,
      folder,
      memoryFolder: this.#memoryFolder(),
      fsGroup: person.uid === 0 ? pod.spec.securityContext?.fsGroup : undefined,
      owner: this.#owner(),
      lookup: configurationOf(client, namespace),
      token: (audience, seconds) => this.#tokens.get(audience, seconds),
      claim: (name) => findClaim(client, namespace, name),
    });
  }

  /** The user of the pod's first container; nobody while that is not known. */
  #owner(): Owner | undefined {
    const { person, imagesDir } = this.#context;
    const pod = this.#pod();
    const [first] = pod.spec.containers;
    try {
      return first && ownerOf(identityOf(first, pod, pullImage(imagesDir, first.image), person), person);
    } catch {
      return undefined;
    }
  }
}

/** What the files below a path take up on disk, in bytes. What vanishes meanwhile does not count. */
async function sizeOf(path: string): Promise<number> {
  const stats = await lstat(path).catch(() => undefined);
  if (!stats) return 0;
  if (!stats.isDirectory()) return stats.blocks * 512;
  const names = await readdir(path).catch(() => []);
  let size = 0;
  for (const name of names) size += await sizeOf(join(path, name));
  return size;
}
