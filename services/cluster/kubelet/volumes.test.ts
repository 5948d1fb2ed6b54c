import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Pod, Volume } from "./pod.ts";
import { containerMounts, findHostPath, prepareVolumes, type VolumeSources } from "./volumes.ts";

let folder: string;
let configMap: Record<string, Buffer> | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "volumes-"));
  configMap = { a: Buffer.from("1"), b: Buffer.from("2") };
});
afterEach(() => rmSync(folder, { recursive: true }));

const metadata = { name: "p", namespace: "n", uid: "u", resourceVersion: "1", labels: { app: "x" } };
const pod: Pod = { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [] } };

function sources(more: Partial<VolumeSources> = {}): VolumeSources {
  return {
    pod,
    network: { podIP: "127.10.10.2", hostIP: "127.10.0.1" },
    capacity: { cpu: "4", memory: "8Gi" },
    authority: "CERTIFICATE",
    folder: join(folder, "volumes"),
    memoryFolder: join(folder, "memory"),
    fsGroup: undefined,
    owner: undefined,
    lookup: async (kind) => (kind === "configmap" ? configMap : undefined),
    token: async (audience, seconds) => `token for ${audience} of ${seconds}s`,
    claim: async () => {
      throw new Error("error processing PVC n/data: PVC is not bound");
    },
    ...more,
  };
}

const make = async (volume: Omit<Volume, "name">, more?: Partial<VolumeSources>) => {
  const prepared = (await prepareVolumes([{ name: "v", ...volume }], sources(more))).get("v");
  if (!prepared) throw new Error("no volume");
  return prepared;
};

describe("a volume of other objects", () => {
  it("follows what is added, changed and removed, all at once through ..data", async () => {
    const { path, readOnly } = await make({ configMap: { name: "c" } });
    expect(readOnly).toBe(true);
    expect([readFileSync(join(path, "a"), "utf8"), readFileSync(join(path, "b"), "utf8")]).toEqual(["1", "2"]);
    const before = readdirSync(path).find((name) => /^\.\.\d+$/.test(name));
    configMap = { b: Buffer.from("two"), c: Buffer.from("3") };
    await make({ configMap: { name: "c" } });
    expect(readdirSync(path).filter((name) => !name.startsWith(".."))).toEqual(["b", "c"]);
    expect([readFileSync(join(path, "b"), "utf8"), readFileSync(join(path, "c"), "utf8")]).toEqual(["two", "3"]);
    expect(readdirSync(path)).not.toContain(before);
  });

  it("is written although an earlier kubelet was killed while it wrote", async () => {
    const { path } = await make({ configMap: { name: "c" } });
    symlinkSync("..0", join(path, "..data.new"));
    configMap = { a: Buffer.from("new") };
    await make({ configMap: { name: "c" } });
    expect(readFileSync(join(path, "a"), "utf8")).toBe("new");
  });

  it("projects several sources into one folder, the later winning", async () => {
    const { path } = await make({
      projected: {
        defaultMode: 0o440,
        sources: [
          { configMap: { name: "c", items: [{ key: "a", path: "x/a" }] } },
          { downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
          { serviceAccountToken: { path: "token", audience: "vault" } },
          { authority: { path: "ca.crt" } },
          { configMap: { name: "c", items: [{ key: "b", path: "x/a", mode: 0o400 }] } },
        ],
      },
    });
    const read = (name: string) => readFileSync(join(path, name), "utf8");
    expect([read("x/a"), read("labels"), read("token"), read("ca.crt")]).toEqual([
      "2",
      'app="x"',
      "token for vault of 3600s",
      "CERTIFICATE",
    ]);
    expect([statSync(join(path, "x/a")).mode & 0o777, statSync(join(path, "token")).mode & 0o777]).toEqual([0o400, 0o440]);
  });

  it("that is optional is empty while its object is missing", async () => {
    configMap = undefined;
    const { path } = await make({ configMap: { name: "c", optional: true } });
    expect(readdirSync(path)).toEqual(expect.not.arrayContaining(["a"]));
    await expect(make({ configMap: { name: "c" } })).rejects.toThrow(
      'MountVolume.SetUp failed for volume "v" : configmap "c" not found',
    );
  });
});

describe("an emptyDir", () => {
  it("is open to every user and keeps what is in it", async () => {
    const { path, readOnly } = await make({ emptyDir: {} });
    expect(readOnly).toBe(false);
    expect(statSync(path).mode & 0o777).toBe(0o777);
    writeFileSync(join(path, "kept"), "");
    expect(readdirSync((await make({ emptyDir: {} })).path)).toEqual(["kept"]);
  });

  it("of the medium Memory has its place there, or is refused where there is none", async () => {
    expect((await make({ emptyDir: { medium: "Memory" } })).path).toBe(join(folder, "memory", "v"));
    expect(statSync(join(folder, "memory")).mode & 0o777).toBe(0o711);
    await expect(make({ emptyDir: { medium: "Memory" } }, { memoryFolder: undefined })).rejects.toThrow("no /dev/shm");
    await expect(make({ emptyDir: { medium: "HugePages" } })).rejects.toThrow("HugePages is not supported");
  });
});

describe("a hostPath", () => {
  it("is made where its type says so", () => {
    const directory = findHostPath({ path: join(folder, "x/y"), type: "DirectoryOrCreate" }, undefined);
    const file = findHostPath({ path: join(folder, "x/z"), type: "FileOrCreate" }, undefined);
    expect([statSync(directory).isDirectory(), statSync(file).isFile()]).toEqual([true, true]);
  });

  it.each([
    ["Directory", "file", "is not a directory"],
    ["DirectoryOrCreate", "file", "is not a directory"],
    ["File", "directory", "is not a file"],
    ["Socket", "file", "is not a socket file"],
    ["CharDevice", "file", "is not a character device"],
    ["BlockDevice", "file", "is not a block device"],
    ["Directory", "absent", "is not a directory"],
    ["", "absent", "does not exist"],
  ])("of type %s is refused for what is: %s", (type, name, message) => {
    writeFileSync(join(folder, "file"), "");
    mkdirSync(join(folder, "directory"));
    const path = join(folder, name);
    expect(() => findHostPath({ path, type }, undefined)).toThrow(`hostPath type check failed: ${path} ${message}`);
  });
});

it("a claim is the directory that it is bound to, read-only when the pod says so", async () => {
  const claim = async () => ({ path: join(folder, "pv"), type: "DirectoryOrCreate" });
  const volume = { persistentVolumeClaim: { claimName: "data", readOnly: true } };
  expect(await make(volume, { claim })).toEqual({ path: join(folder, "pv"), readOnly: true });
  expect(existsSync(join(folder, "pv"))).toBe(true);
  await expect(make(volume)).rejects.toThrow(
    'MountVolume.SetUp failed for volume "v" : error processing PVC n/data: PVC is not bound',
  );
});

it("a volume of an unknown kind is refused", async () => {
  await expect(make({ nfs: { server: "s", path: "/" } } as Omit<Volume, "name">)).rejects.toThrow("not supported");
});

describe("a mount", () => {
  const mounts = (mount: { subPath?: string; subPathExpr?: string; readOnly?: boolean }, readOnly = false) => {
    const volumes = new Map([["v", { path: join(folder, "base"), readOnly }]]);
    mkdirSync(join(folder, "base"), { recursive: true });
    const env = { POD: "p-0" };
    return containerMounts({ volumeMounts: [{ name: "v", mountPath: "/data/", ...mount }] }, volumes, env, undefined)[0];
  };

  it("is read-only when it or its volume is", () => {
    expect(mounts({})).toEqual({ source: join(folder, "base"), path: "/data", readOnly: false });
    expect(mounts({ readOnly: true })?.readOnly).toBe(true);
    expect(mounts({}, true)?.readOnly).toBe(true);
  });

  it("of a subPath makes its directory, with variables in subPathExpr", () => {
    expect(mounts({ subPath: "one/two" })?.source).toBe(join(folder, "base/one/two"));
    expect(mounts({ subPathExpr: "logs/$(POD)" })?.source).toBe(join(folder, "base/logs/p-0"));
    expect(statSync(join(folder, "base/logs/p-0")).isDirectory()).toBe(true);
    expect(() => mounts({ subPathExpr: "$(NONE)" })).toThrow('missing value for "NONE"');
  });

  it("never leads out of its volume", () => {
    expect(() => mounts({ subPath: "../x" })).toThrow('must be a relative path without ".."');
    expect(() => mounts({ subPath: "/etc" })).toThrow("must be a relative path");
    mkdirSync(join(folder, "base"), { recursive: true });
    symlinkSync("/etc", join(folder, "base", "link"));
    expect(() => mounts({ subPath: "link" })).toThrow("leads out of the volume");
  });
});
