import { execFile } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";

/** A pipe to a child: `descriptor` is for the child, and to be closed here when the child has it. */
export type Pipe = { reader: Readable; descriptor: number };

const run = promisify(execFile);

/** Makes pipes that a container can open by name, as /dev/stdout: what Node gives to children are sockets, which it cannot. */
export async function makePipes(count: number): Promise<Pipe[]> {
  const folder = mkdtempSync(join(tmpdir(), "kubelet-pipes-"));
  try {
    const paths = Array.from({ length: count }, (_, index) => join(folder, String(index)));
    // Nobody finds them by their path, which is private and soon gone; the container's user opens them through /proc.
    await run("/usr/bin/mkfifo", ["-m", "0666", ...paths]);
    return paths.map((path) => {
      const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const descriptor = openSync(path, constants.O_WRONLY);
      return { reader: new Socket({ fd: reader, readable: true, writable: false }), descriptor };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function closeDescriptors(pipes: Pipe[]): void {
  for (const { descriptor } of pipes) closeSync(descriptor);
}
