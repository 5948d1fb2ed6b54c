import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, normalize } from "node:path";
import { ConfigError, fieldValue, type Lookup, type PodNetwork } from "./environment.ts";
import type { Container, KeyItem, Pod, Volume } from "./pod.ts";
import { formatResource } from "./resources.ts";
import type { Mount } from "./sandbox.ts";

/** A volume that cannot be set up; the message is for the pod's FailedMount event. */
export class MountError extends Error {
  override readonly name = "MountError";
}

export type VolumeSources = {
  pod: Pod;
  network: PodNetwork;
  capacity: { cpu: string; memory: string };
  /** The folder of this pod's volumes. */
  folder: string;
  /** The group that owns what the kubelet writes; undefined where it cannot give files away. */
  fsGroup: number | undefined;
  /** Who gets a directory of the host that did not exist. */
  owner: Owner | undefined;
  lookup: Lookup;
};

/** A user of the host that the kubelet, being root, may give files to. */
export type Owner = { uid: number; gid: number };

type File = { path: string; data: Buffer | string; mode: number };

/** Makes all volumes of a pod; gives the host's path of each. Safe to repeat: changed content replaces the old at once. */
export async function prepareVolumes(sources: VolumeSources): Promise<Map<string, string>> {
  const paths = new Map<string, string>();
  for (const volume of sources.pod.spec.volumes ?? []) {
    try {
      paths.set(volume.name, await prepare(volume, sources));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new MountError(`MountVolume.SetUp failed for volume "${volume.name}" : ${reason}`);
    }
  }
  return paths;
}

async function prepare(volume: Volume, sources: VolumeSources): Promise<string> {
  if (volume.hostPath) return hostPath(volume.hostPath, sources);
  const path = join(sources.folder, volume.name);
  const { fsGroup } = sources;
  if (volume.emptyDir) {
    if (existsSync(path)) return path;
    mkdirSync(path, { recursive: true });
    own(path, fsGroup, fsGroup === undefined ? 0o777 : 0o2777);
    return path;
  }
  const files = await contentOf(volume, sources);
  if (!files) throw new Error("this kind of volume is not supported by the local cluster");
  writeContent(path, files, fsGroup);
  return path;
}

function hostPath({ path, type = "" }: { path: string; type?: string }, { owner }: VolumeSources): string {
  const exists = existsSync(path);
  if (!exists && (type === "DirectoryOrCreate" || type === "FileOrCreate")) {
    mkdirSync(type === "DirectoryOrCreate" ? path : dirname(path), { recursive: true });
    if (type === "FileOrCreate") writeFileSync(path, "");
    if (owner) chownSync(path, owner.uid, owner.gid);
    return path;
  }
  if (!exists) throw new Error(`hostPath type check failed: ${path} does not exist`);
  const isDirectory = statSync(path).isDirectory();
  if (type.startsWith("Directory") && !isDirectory) throw new Error(`hostPath type check failed: ${path} is not a directory`);
  if (type.startsWith("File") && isDirectory) throw new Error(`hostPath type check failed: ${path} is not a file`);
  return path;
}

async function contentOf(volume: Volume, { pod, network, capacity, lookup }: VolumeSources): Promise<File[] | undefined> {
  if (volume.configMap) {
    const { name, items, optional, defaultMode } = volume.configMap;
    return keyFiles("configmap", name, await lookup("configmap", name), { items, optional, defaultMode });
  }
  if (volume.secret) {
    const { secretName, items, optional, defaultMode } = volume.secret;
    return keyFiles("secret", secretName, await lookup("secret", secretName), { items, optional, defaultMode });
  }
  if (!volume.downwardAPI) return undefined;
  return (volume.downwardAPI.items ?? []).map(({ path, mode, fieldRef, resourceFieldRef }) => {
    const target = pod.spec.containers.find((container) => container.name === resourceFieldRef?.containerName);
    const data = fieldRef
      ? fieldValue(fieldRef.fieldPath, pod, network)
      : target && resourceFieldRef
        ? formatResource(target, resourceFieldRef.resource, resourceFieldRef.divisor, capacity)
        : "";
    return { path, data, mode: mode ?? volume.downwardAPI?.defaultMode ?? 0o644 };
  });
}

type KeyOptions = { items?: KeyItem[]; optional?: boolean; defaultMode?: number };

/** The files that a ConfigMap's or Secret's keys become. Throws in the words of Kubernetes when something is missing. */
export function keyFiles(
  kind: "configmap" | "secret",
  name: string,
  data: Record<string, Buffer> | undefined,
  { items, optional = false, defaultMode = 0o644 }: KeyOptions,
): File[] {
  if (!data) {
    if (optional) return [];
    throw new ConfigError(`${kind} "${name}" not found`);
  }
  if (!items) return Object.entries(data).map(([key, value]) => ({ path: key, data: value, mode: defaultMode }));
  return items.flatMap(({ key, path, mode }) => {
    const value = data[key];
    if (value === undefined && optional) return [];
    if (value === undefined)
      throw new ConfigError(`references non-existent ${kind === "secret" ? "secret" : "config"} key: ${key}`);
    return [{ path, data: value, mode: mode ?? defaultMode }];
  });
}

/** Writes files as Kubernetes does: into a new folder that `..data` then points to, so that a reader sees all or nothing. */
function writeContent(path: string, files: File[], fsGroup: number | undefined): void {
  mkdirSync(path, { recursive: true });
  own(path, fsGroup, 0o755);
  const hash = createHash("sha256");
  for (const { path: name, data, mode } of files) hash.update(`${name}\0${mode}\0${data.length}\0`).update(data);
  const fingerprint = hash.digest("hex");
  const marker = `${path}.sha256`;
  if (existsSync(marker) && readFileSync(marker, "utf8") === fingerprint) return;
  const version = `..${Date.now()}`;
  for (const file of files) {
    const target = join(path, version, normalize(`/${file.path}`));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, file.data, { mode: file.mode });
    own(target, fsGroup, fsGroup === undefined ? file.mode : file.mode | 0o440);
  }
  mkdirSync(join(path, version), { recursive: true });
  const previous = join(path, "..data");
  const old = existsSync(previous) ? join(path, readlinkSync(previous)) : undefined;
  symlinkSync(version, `${previous}.new`);
  renameSync(`${previous}.new`, previous);
  for (const top of new Set(files.map((file) => normalize(file.path).split("/")[0] ?? ""))) {
    if (top && !existsSync(join(path, top))) symlinkSync(join("..data", top), join(path, top));
  }
  if (old) rmSync(old, { recursive: true, force: true });
  writeFileSync(marker, fingerprint);
}

function own(path: string, fsGroup: number | undefined, mode: number): void {
  if (fsGroup !== undefined) chownSync(path, 0, fsGroup);
  chmodSync(path, mode);
}

/** The mounts of one container; subPath directories are made when missing, as the pod's user. */
export function containerMounts(container: Container, volumes: Map<string, string>, owner: Owner | undefined): Mount[] {
  return (container.volumeMounts ?? []).map(({ name, mountPath, subPath, readOnly = false }) => {
    const base = volumes.get(name);
    if (base === undefined) throw new MountError(`volumeMount "${name}" names no volume of the pod`);
    const source = subPath ? join(base, normalize(`/${subPath}`)) : base;
    if (!existsSync(source)) {
      mkdirSync(source, { recursive: true });
      if (owner) chownSync(source, owner.uid, owner.gid);
    }
    return { source, path: normalize(mountPath).replace(/\/$/, "") || "/", readOnly };
  });
}
