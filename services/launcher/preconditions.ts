import { mkdirSync, statfsSync } from "node:fs";
import { createServer } from "node:net";
import { StartError } from "./start-error.ts";

const leastFreeBytes = 1024 ** 3;

/** Makes the data directory and checks that it is writable and has room. Throws StartError. */
export function ensureDataDirectory(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw new StartError(
      `${dataDir} cannot be made (${reason(error)}). Set SWITCHYARD_DATA_DIR to a folder that may be written.`,
    );
  }
  const { bavail, bsize } = statfsSync(dataDir);
  const free = bavail * bsize;
  if (free < leastFreeBytes) {
    throw new StartError(
      `The disk of ${dataDir} has ${Math.floor(free / 1024 ** 2)} MiB free; Switchyard wants at least 1024. Make room, or set SWITCHYARD_DATA_DIR.`,
    );
  }
}

/** Throws StartError when something listens on 127.0.0.1:port. `variable` is the setting that moves Switchyard elsewhere. */
export async function ensurePortIsFree(port: number, variable: string): Promise<void> {
  const problem = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(undefined)));
  });
  if (!problem) return;
  const what = problem.code === "EADDRINUSE" ? "is in use" : `cannot be used (${reason(problem)})`;
  throw new StartError(`Port ${port} ${what}. Stop what uses it, or set ${variable} to another port.`);
}

function reason(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
