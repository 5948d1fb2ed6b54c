import { randomUUID } from "node:crypto";
import { readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** Names that processes of this module gave out and that are still in use. */
const ownNames = new Set<string>();

/** How a runner names itself in what it claims: its machine, its process, and which of that process's runners it is. */
export function takeRunnerName(): string {
  const name = `${ownPlace()}/${process.pid}/${randomUUID()}`;
  ownNames.add(name);
  return name;
}

/** Where a process id means a process: containers of one machine, or of one pod, may have ids of their own. */
export function ownPlace(): string {
  return `${hostname()}:${readlinkSync("/proc/self/ns/pid").replaceAll(/\D/g, "")}`;
}

/** The runner has stopped: what still bears its name may be taken over. */
export function releaseRunnerName(name: string): void {
  ownNames.delete(name);
}

/**
 * Whether the runner of that name was on this machine and is there no more, so that nobody has to wait until its heartbeat is old. False
 * also where that cannot be told.
 */
export function isRunnerGone(name: string | null): boolean {
  const [place, pid] = name?.split("/") ?? [];
  if (name === null || place !== ownPlace() || !/^[1-9]\d*$/.test(pid ?? "")) return false;
  // A container begins anew under the number that its former process had.
  if (Number(pid) === process.pid) return !ownNames.has(name);
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
