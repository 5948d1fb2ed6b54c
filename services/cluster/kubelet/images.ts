import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const settings = {
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  env: z.record(z.string(), z.string()).optional(),
  workingDir: z.string().startsWith("/").optional(),
  /** What asks the program to end, where that is not SIGTERM. */
  stopSignal: z.enum(["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2"]).optional(),
  user: z.strictObject({ uid: z.int().min(0), gid: z.int().min(0), name: z.string() }).optional(),
};

const catalogueFile = z.strictObject({
  $comment: z.string().optional(),
  name: z.string(),
  ...settings,
  /** Programs of the host without which the image cannot run, and the apt package that brings each. */
  requires: z.array(z.strictObject({ path: z.string(), package: z.string() })).optional(),
  /** Host paths that a container of the image sees read-only, at the same place. */
  readOnlyPaths: z.array(z.string()).optional(),
  /** Lines added to files of /etc: passwd, group. */
  files: z.record(z.enum(["/etc/passwd", "/etc/group"]), z.array(z.string())).optional(),
  tags: z.record(z.string(), z.strictObject(settings)),
});

export type Image = {
  id: string;
  command: string[];
  args: string[];
  env: Record<string, string>;
  workingDir: string;
  stopSignal: NodeJS.Signals;
  user: { uid: number; gid: number; name: string };
  readOnlyPaths: string[];
  files: Record<string, string[]>;
};

/** An image that cannot be had; the message is for the pod's events. */
export class ImageError extends Error {
  override readonly name = "ImageError";
}

const root = { uid: 0, gid: 0, name: "root" };

/** Reads the image from the catalogue's folder. Read anew on each pull, so that an added file or tag counts at once. */
export function pullImage(folder: string, reference: string): Image {
  const { name, tag } = splitReference(reference);
  for (const file of readdirSync(folder).filter((entry) => entry.endsWith(".json"))) {
    const parsed = catalogueFile.safeParse(readJson(join(folder, file)));
    if (!parsed.success) {
      if (file.startsWith(name.replaceAll("/", "-"))) {
        throw new ImageError(`${file} of the image catalogue is not valid: ${z.prettifyError(parsed.error)}`);
      }
      continue;
    }
    const entry = parsed.data;
    const version = entry.tags[tag];
    if (entry.name !== name || !version) continue;
    const missing = (entry.requires ?? []).find(({ path }) => !existsSync(path));
    if (missing) {
      throw new ImageError(`the image needs ${missing.path} on this machine: apt-get install ${missing.package}`);
    }
    return {
      id: `catalogue://${name}:${tag}`,
      command: version.command ?? entry.command ?? [],
      args: version.args ?? entry.args ?? [],
      env: { ...entry.env, ...version.env },
      workingDir: version.workingDir ?? entry.workingDir ?? "/",
      stopSignal: version.stopSignal ?? entry.stopSignal ?? "SIGTERM",
      user: version.user ?? entry.user ?? root,
      readOnlyPaths: entry.readOnlyPaths ?? [],
      files: entry.files ?? {},
    };
  }
  throw new ImageError(`no entry for ${name}:${tag} in the image catalogue: not found`);
}

/** The catalogue's name and tag of an image reference: docker.io and library are left out, the tag is latest by default. */
export function splitReference(reference: string): { name: string; tag: string } {
  const withoutDigest = reference.replace(/@sha256:.*$/, "");
  const match = /^(.*?)(?::([^/:]+))?$/.exec(withoutDigest);
  const name = (match?.[1] ?? withoutDigest).replace(/^docker\.io\//, "").replace(/^library\//, "");
  return { name, tag: match?.[2] ?? "latest" };
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
