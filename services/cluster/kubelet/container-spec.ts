import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildEnvironment, ConfigError, type EnvironmentSources, expand } from "./environment.ts";
import type { Image } from "./images.ts";
import type { Container, Pod } from "./pod.ts";
import type { Identity, Person, Sandbox } from "./sandbox.ts";
import { clearMessage, defaultMessagePath } from "./termination-message.ts";
import { containerMounts, type Owner, type PreparedVolume } from "./volumes.ts";

/** What a container becomes on this node, ready to be started, and where it may leave its last words. */
export type Prepared = { sandbox: Sandbox; env: Record<string, string>; messageFile: string };

export type PrepareInput = {
  container: Container;
  image: Image;
  volumes: Map<string, PreparedVolume>;
  person: Person;
  sources: Omit<EnvironmentSources, "imageEnv">;
  /** The pod's folder on this node. */
  podFolder: string;
  hostsFile: string;
  rootFolder: string;
  appDir: string;
  hiddenInApp: string[];
};

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Puts a container's sandbox and environment together. Throws ConfigError and MountError in the words of Kubernetes. */
export async function prepareContainer(input: PrepareInput): Promise<Prepared> {
  const { container, image, sources, person, podFolder } = input;
  const { pod } = sources;
  const identity = identityOf(container, pod, image, person);
  const imageEnv = { PATH: defaultPath, HOME: identity.uid === 0 ? "/root" : "/tmp", ...image.env };
  const env = await buildEnvironment(container, { ...sources, imageEnv });
  const command = commandOf(container, image).map((part) => expand(part, env));
  if (command.length === 0) throw new ConfigError("no command specified");
  const etc = join(podFolder, "etc", container.name);
  writeEtc(etc, image, identity, pod);
  const hidden = input.hiddenInApp.filter((path) => existsSync(join(input.appDir, path)));
  const messageFile = join(podFolder, "messages", container.name);
  clearMessage(messageFile);
  const message = { source: messageFile, path: container.terminationMessagePath ?? defaultMessagePath, readOnly: false };
  const imageMounts = image.readOnlyPaths.map((path) => ({ source: path, path, readOnly: true }));
  return {
    env,
    messageFile,
    sandbox: {
      root: input.rootFolder,
      hostname: (pod.spec.hostname ?? pod.metadata.name).slice(0, 63),
      etc,
      hostsFile: input.hostsFile,
      appDir: input.appDir,
      hiddenInApp: hidden,
      mounts: [...imageMounts, ...containerMounts(container, input.volumes, env, ownerOf(identity, person)), message],
      readOnlyRoot: container.securityContext?.readOnlyRootFilesystem ?? false,
      workingDir: container.workingDir ?? image.workingDir,
      identity,
      command,
    },
  };
}

/** The command line: the pod's command replaces the image's and its arguments; the pod's args alone replace the image's args. */
export function commandOf(container: Pick<Container, "command" | "args">, image: Pick<Image, "command" | "args">): string[] {
  if (container.command) return [...container.command, ...(container.args ?? [])];
  return [...image.command, ...(container.args ?? image.args)];
}

/** The user of the container's process. A kubelet that is not root can only run as the person who started it. */
export function identityOf(container: Container, pod: Pod, image: Image, person: Person): Identity {
  const context = { ...pod.spec.securityContext, ...container.securityContext };
  const uid = context.runAsUser ?? image.user.uid;
  if (context.runAsNonRoot && uid === 0) {
    const { name, namespace, uid: podUid } = pod.metadata;
    const why =
      context.runAsUser === 0
        ? "container's runAsUser breaks non-root policy"
        : "container has runAsNonRoot and image will run as root";
    throw new ConfigError(`${why} (pod: "${name}_${namespace}(${podUid})", container: ${container.name})`);
  }
  if (person.uid !== 0) return { uid: person.uid, gid: person.gid, groups: [] };
  const { fsGroup, supplementalGroups = [] } = pod.spec.securityContext ?? {};
  const gid = context.runAsGroup ?? (context.runAsUser === undefined ? image.user.gid : 0);
  return { uid, gid, groups: fsGroup === undefined ? supplementalGroups : [fsGroup, ...supplementalGroups] };
}

/** Who is given directories that the kubelet makes for a container; nobody when the kubelet is not root. */
export function ownerOf({ uid, gid }: Identity, person: Person): Owner | undefined {
  return person.uid === 0 ? { uid, gid } : undefined;
}

function writeEtc(folder: string, image: Image, { uid, gid }: Identity, pod: Pod): void {
  mkdirSync(folder, { recursive: true });
  const users = [{ name: "root", uid: 0, gid: 0, home: "/root" }];
  if (uid !== 0) users.push({ name: image.user.uid === 0 ? "user" : image.user.name, uid, gid, home: "/tmp" });
  if (uid !== 65534) users.push({ name: "nobody", uid: 65534, gid: 65534, home: "/tmp" });
  const passwd = users.map((user) => `${user.name}:x:${user.uid}:${user.gid}:${user.name}:${user.home}:/bin/sh`);
  const groups = users.map((user) => `${user.name}:x:${user.gid}:`);
  writeFileSync(join(folder, "passwd"), lines(passwd, image.files["/etc/passwd"]));
  writeFileSync(join(folder, "group"), lines(groups, image.files["/etc/group"]));
  writeFileSync(join(folder, "hostname"), `${pod.spec.hostname ?? pod.metadata.name}\n`);
  // Without it a name has only its first address, however many lines of hosts have it.
  writeFileSync(join(folder, "host.conf"), "multi on\n");
  writeFileSync(join(folder, "resolv.conf"), readIfThere("/etc/resolv.conf"));
}

function lines(own: string[], added: string[] = []): string {
  return `${[...own, ...added].join("\n")}\n`;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
