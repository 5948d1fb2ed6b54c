import { chownSync, existsSync, mkdirSync, realpathSync, type Stats, statSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { ConfigError, expandStrictly } from "./environment.ts";
import type { Container, HostPath, Volume, VolumeMount } from "./pod.ts";
import type { Mount } from "./sandbox.ts";
import { type ContentSources, contentOf } from "./volume-content.ts";
import { own, writeVolumeFiles } from "./volume-files.ts";

/** A volume that cannot be set up; the message is for the pod's FailedMount event. */
export class MountError extends Error {
  override readonly name = "MountError";
}

export type VolumeSources = ContentSources & {
  /** The folder of this pod's volumes. */
  folder: string;
  /** The same for volumes in memory; undefined where there is no place for them. */
  memoryFolder: string | undefined;
  /** The group that owns what the kubelet writes; undefined where it cannot give files away. */
  fsGroup: number | undefined;
  /** Who gets a directory of the host that did not exist. */
  owner: Owner | undefined;
  /** The directory of the host that a claim of the pod's namespace is bound to. */
  claim: (name: string) => Promise<HostPath>;
};

/** A user of the host that the kubelet, being root, may give files to. */
export type Owner = { uid: number; gid: number };

/** Where a volume is on the host. */
export type PreparedVolume = { path: string; readOnly: boolean };

/** Makes all volumes of a pod. Safe to repeat: changed content replaces the old at once. */
export async function prepareVolumes(volumes: Volume[], sources: VolumeSources): Promise<Map<string, PreparedVolume>> {
  const prepared = new Map<string, PreparedVolume>();
  for (const volume of volumes) {
    try {
      prepared.set(volume.name, await prepare(volume, sources));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new MountError(`MountVolume.SetUp failed for volume "${volume.name}" : ${reason}`);
    }
  }
  return prepared;
}

async function prepare(volume: Volume, sources: VolumeSources): Promise<PreparedVolume> {
  const { hostPath, persistentVolumeClaim: claim, emptyDir } = volume;
  if (hostPath) return { path: findHostPath(hostPath, sources.owner), readOnly: false };
  if (claim)
    return { path: findHostPath(await sources.claim(claim.claimName), sources.owner), readOnly: claim.readOnly ?? false };
  if (emptyDir) return { path: makeEmptyDir(volume.name, emptyDir.medium, sources), readOnly: false };
  const files = await contentOf(volume, sources);
  if (!files) throw new Error("this kind of volume is not supported by the local cluster");
  const path = join(sources.folder, volume.name);
  writeVolumeFiles(path, files, sources.fsGroup);
  return { path, readOnly: true };
}

function makeEmptyDir(name: string, medium: string | undefined, { folder, memoryFolder, fsGroup }: VolumeSources): string {
  if (medium && medium !== "Memory") throw new Error(`the medium ${medium} is not supported by the local cluster`);
  const parent = medium ? memoryFolder : folder;
  if (!parent) throw new Error("this machine has no /dev/shm for the medium Memory");
  const path = join(parent, name);
  if (existsSync(path)) return path;
  // Open to every user of the container, but found by nobody on the host who does not know the pod's uid.
  mkdirSync(parent, { recursive: true, mode: 0o711 });
  mkdirSync(path);
  own(path, fsGroup, fsGroup === undefined ? 0o777 : 0o2777);
  return path;
}

const kinds: Record<string, { is: (stats: Stats) => boolean; words: string }> = {
  Directory: { is: (stats) => stats.isDirectory(), words: "a directory" },
  File: { is: (stats) => stats.isFile(), words: "a file" },
  Socket: { is: (stats) => stats.isSocket(), words: "a socket file" },
  CharDevice: { is: (stats) => stats.isCharacterDevice(), words: "a character device" },
  BlockDevice: { is: (stats) => stats.isBlockDevice(), words: "a block device" },
};

/** The path of a hostPath volume, made first where its type says so. Throws in Kubernetes' words when the type does not fit. */
export function findHostPath({ path, type = "" }: HostPath, owner: Owner | undefined): string {
  const isMade = type.endsWith("OrCreate");
  if (isMade && !existsSync(path)) {
    mkdirSync(type === "DirectoryOrCreate" ? path : dirname(path), { recursive: true });
    if (type === "FileOrCreate") writeFileSync(path, "");
    if (owner) chownSync(path, owner.uid, owner.gid);
    return path;
  }
  const stats = statSync(path, { throwIfNoEntry: false });
  const kind = kinds[type.replace("OrCreate", "")];
  if (!stats) throw new Error(`hostPath type check failed: ${path} ${type ? `is not ${kind?.words}` : "does not exist"}`);
  if (kind && !kind.is(stats)) throw new Error(`hostPath type check failed: ${path} is not ${kind.words}`);
  return path;
}

/** The mounts of one container; subPath directories are made when missing, as the pod's user. */
export function containerMounts(
  container: Pick<Container, "volumeMounts">,
  volumes: Map<string, PreparedVolume>,
  env: Record<string, string>,
  owner: Owner | undefined,
): Mount[] {
  return (container.volumeMounts ?? []).map((mount) => {
    const volume = volumes.get(mount.name);
    if (!volume) throw new MountError(`volumeMount "${mount.name}" names no volume of the pod`);
    const source = subPathOf(mount, volume, env, owner);
    const path = normalize(mount.mountPath).replace(/\/$/, "") || "/";
    return { source, path, readOnly: volume.readOnly || (mount.readOnly ?? false) };
  });
}

function subPathOf(mount: VolumeMount, volume: PreparedVolume, env: Record<string, string>, owner: Owner | undefined): string {
  const { name, subPathExpr } = mount;
  const subPath = subPathExpr ? expandStrictly(subPathExpr, env) : mount.subPath;
  if (!subPath) return volume.path;
  if (subPath.startsWith("/") || subPath.split("/").includes("..")) {
    throw new ConfigError(`subPath "${subPath}" of volume "${name}" must be a relative path without ".."`);
  }
  const source = join(volume.path, subPath);
  if (!existsSync(source)) {
    mkdirSync(source, { recursive: true });
    if (owner) chownSync(source, owner.uid, owner.gid);
  }
  // A container may have left a link that points out of its volume.
  if (!`${realpathSync(source)}/`.startsWith(`${realpathSync(volume.path)}/`)) {
    throw new MountError(`failed to prepare subPath for volumeMount "${name}": "${subPath}" leads out of the volume`);
  }
  return source;
}
