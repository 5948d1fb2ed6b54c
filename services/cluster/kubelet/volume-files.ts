import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, normalize } from "node:path";

/** A file that the kubelet writes into a volume. */
export type VolumeFile = { path: string; data: Buffer | string; mode: number };

/** Writes files as Kubernetes does: into a new folder that `..data` then points to, so that a reader sees all or nothing. */
export function writeVolumeFiles(path: string, files: VolumeFile[], fsGroup: number | undefined): void {
  mkdirSync(path, { recursive: true });
  own(path, fsGroup, 0o755);
  const fingerprint = fingerprintOf(files);
  const marker = `${path}.sha256`;
  if (existsSync(marker) && readFileSync(marker, "utf8") === fingerprint) return;
  // Two versions of one millisecond must not be one folder: the old one is removed.
  const version = `..${process.hrtime.bigint()}`;
  for (const file of files) {
    const target = join(path, version, normalize(`/${file.path}`));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, file.data, { mode: file.mode });
    own(target, fsGroup, fsGroup === undefined ? file.mode : file.mode | 0o440);
  }
  mkdirSync(join(path, version), { recursive: true });
  const current = join(path, "..data");
  const old = existsSync(current) ? join(path, readlinkSync(current)) : undefined;
  // One may be left of a kubelet that was killed here.
  rmSync(`${current}.new`, { force: true });
  symlinkSync(version, `${current}.new`);
  renameSync(`${current}.new`, current);
  linkEntries(path, new Set(files.map((file) => normalize(file.path).split("/")[0] ?? "")));
  if (old) rmSync(old, { recursive: true, force: true });
  writeFileSync(marker, fingerprint);
}

/** Gives a path its mode, and the pod's group where there is one. */
export function own(path: string, fsGroup: number | undefined, mode: number): void {
  if (fsGroup !== undefined) chownSync(path, 0, fsGroup);
  chmodSync(path, mode);
}

function fingerprintOf(files: VolumeFile[]): string {
  const hash = createHash("sha256");
  for (const { path, data, mode } of files) hash.update(`${path}\0${mode}\0${data.length}\0`).update(data);
  return hash.digest("hex");
}

function linkEntries(path: string, names: Set<string>): void {
  for (const name of names) {
    if (name && !isThere(join(path, name))) symlinkSync(join("..data", name), join(path, name));
  }
  for (const name of readdirSync(path)) {
    if (!name.startsWith("..") && !names.has(name)) rmSync(join(path, name));
  }
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
