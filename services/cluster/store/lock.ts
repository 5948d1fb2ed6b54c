import { createHash } from "node:crypto";
import { mkdir, realpath } from "node:fs/promises";
import { createServer } from "node:net";

/**
 * Holds a data directory for this process. The lock is an abstract Unix socket named after the directory: the kernel frees it
 * with the process, so a crash leaves nothing stale behind. Rejects when another process holds it.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const name = createHash("sha256")
    .update(await realpath(directory))
    .digest("hex")
    .slice(0, 40);
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "EADDRINUSE" ? new Error(`another API server uses the data directory ${directory}`) : error);
    });
    server.listen(`\0switchyard-cluster-${name}`, resolve);
  });
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}
