import { existsSync, lstatSync, readFileSync, readlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A directory or file of the host as a container sees it. */
export type Mount = { source: string; path: string; readOnly: boolean };

/** Who the container's process is. */
export type Identity = { uid: number; gid: number; groups: number[] };

export type Sandbox = {
  /** The mount point of the new root, an empty directory of the host. */
  root: string;
  hostname: string;
  /** A directory whose files become the container's /etc, beside what is taken from the host. */
  etc: string;
  hostsFile: string;
  appDir: string;
  /** Directories inside appDir that a container must not see, e.g. where the cluster keeps its keys. */
  hiddenInApp: string[];
  mounts: Mount[];
  readOnlyRoot: boolean;
  workingDir: string;
  identity: Identity;
  command: string[];
};

/** Who runs the kubelet, as far as it decides how namespaces are made. */
export type Person = { uid: number; gid: number; appIsReadable: boolean };

const script = fileURLToPath(new URL("sandbox.sh", import.meta.url));
const checkCommand = readFileSync(new URL("check-command.sh", import.meta.url), "utf8");

const systemFolders = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
const devices = ["null", "zero", "full", "random", "urandom", "tty"];
const copiedToEtc =
  "/etc/ld.so.cache /etc/ld.so.conf /etc/ld.so.conf.d /etc/nsswitch.conf /etc/localtime /etc/timezone /etc/services " +
  "/etc/protocols /etc/mime.types /etc/os-release /etc/debian_version /etc/gai.conf";
const boundInEtc = ["/etc/ssl", "/etc/alternatives", "/etc/ca-certificates"];
/** What root in a container may do. */
export const containerCapabilities = [
  "chown",
  "dac_override",
  "fowner",
  "fsetid",
  "kill",
  "setgid",
  "setuid",
  "setpcap",
  "net_bind_service",
  "net_raw",
  "sys_chroot",
  "setfcap",
];

/**
 * The command that becomes the container: a process that dies with the kubelet, its own mount, PID and UTS namespaces, the
 * root file system built by sandbox.sh, and last the container's command as its user. Descriptor 3 tells a failure.
 */
export function sandboxCommand(sandbox: Sandbox, person: Person): string[] {
  const user = person.uid === 0 ? [] : ["--user", "--map-root-user"];
  return [
    ...["/usr/bin/setpriv", "--pdeathsig", "KILL"],
    ...["/usr/bin/unshare", ...user, "--mount", "--pid", "--uts", "--fork", "--kill-child"],
    ...["/bin/sh", script, sandbox.root, sandbox.hostname, ...operations(sandbox), "--"],
    ...asIdentity(sandbox.identity, person),
    ...["/bin/sh", "-c", checkCommand, "sh", ...sandbox.command],
  ];
}

/** The command that runs another command inside a container that is already running. Descriptor 3 as for the container's own. */
export function execCommand(
  target: { supervisorPid: number; identity: Identity; workingDir: string },
  command: string[],
  person: Person,
): string[] {
  const user = person.uid === 0 ? [] : ["--user", "--preserve-credentials"];
  const namespaces = ["--mount", "--uts", `--pid=/proc/${target.supervisorPid}/ns/pid_for_children`];
  return [
    ...["/usr/bin/nsenter", "--target", String(target.supervisorPid), ...user, ...namespaces, "--"],
    ...asIdentity(target.identity, person),
    ...["/bin/sh", "-c", `cd "$0" || exit 126\n${checkCommand}`, target.workingDir, ...command],
  ];
}

function asIdentity({ uid, gid, groups }: Identity, person: Person): string[] {
  const last = ["--no-new-privs", "--pdeathsig", "KILL"];
  if (person.uid !== 0) {
    const map = [`--map-user=${person.uid}`, `--map-group=${person.gid}`];
    return ["/usr/bin/unshare", "--user", ...map, "/usr/bin/setpriv", ...last];
  }
  const bounds = [`--bounding-set=-all,${containerCapabilities.map((name) => `+${name}`).join(",")}`];
  // A checkout that only root may read is still /app for everyone: the one thing that this capability opens.
  const read = "+dac_read_search";
  const reading =
    uid === 0 || person.appIsReadable ? [] : [`--bounding-set=-all,${read}`, `--inh-caps=${read}`, `--ambient-caps=${read}`];
  const members = groups.length > 0 ? ["--groups", groups.join(",")] : ["--clear-groups"];
  const rights = reading.length > 0 ? reading : bounds;
  return ["/usr/bin/setpriv", "--reuid", `${uid}`, "--regid", `${gid}`, ...members, ...rights, ...last];
}

function operations(sandbox: Sandbox): string[] {
  const system = systemFolders
    .filter((path) => existsSync(path))
    .flatMap((path) => (lstatSync(path).isSymbolicLink() ? ["link", readlinkSync(path), path] : ["robind", path, path]));
  const dev = [
    ...["tmpfs", "/dev", "0755"],
    ...devices.flatMap((name) => ["bind", `/dev/${name}`, `/dev/${name}`]),
    ...["link", "/proc/self/fd", "/dev/fd", "link", "/proc/self/fd/0", "/dev/stdin"],
    ...["link", "/proc/self/fd/1", "/dev/stdout", "link", "/proc/self/fd/2", "/dev/stderr"],
    ...["tmpfs", "/dev/shm", "1777"],
  ];
  const etc = [
    ...["copy", `${copiedToEtc} ${sandbox.etc}/*`, "/etc"],
    ...boundInEtc.filter((path) => existsSync(path)).flatMap((path) => ["robind", path, path]),
    ...["bind", sandbox.hostsFile, "/etc/hosts"],
  ];
  const app = [
    ...["robind", sandbox.appDir, "/app"],
    ...sandbox.hiddenInApp.flatMap((path) => ["tmpfs", `/app/${path}`, "0555"]),
  ];
  const folders = ["dir", "/tmp", "1777", "dir", "/run", "0755", "dir", "/var/tmp", "1777"];
  const mounts = [...sandbox.mounts]
    .sort((one, other) => one.path.split("/").length - other.path.split("/").length)
    .flatMap(({ source, path, readOnly }) => [readOnly ? "robind" : "bind", source, path]);
  // Root in a container is the host's root here: it must not reach the kernel's settings.
  const trigger = existsSync("/proc/sysrq-trigger") ? ["bind", "/dev/null", "/proc/sysrq-trigger"] : [];
  const kernel = sandbox.identity.uid === 0 ? ["robind", "/proc/sys", "/proc/sys", ...trigger] : [];
  return [
    ...system,
    ...["proc", "/proc", ...kernel, "robind", "/sys", "/sys"],
    ...dev,
    ...etc,
    ...app,
    ...folders,
    ...mounts,
    ...["workdir", sandbox.workingDir],
    ...(sandbox.readOnlyRoot ? ["ro-root"] : []),
  ];
}
