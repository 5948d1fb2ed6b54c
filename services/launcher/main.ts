import { EnvError, exitConfig, parseEnv } from "#lib/runtime/env.ts";
import { launcherEnv } from "./env.ts";
import { line } from "./progress.ts";
import { StartError } from "./start-error.ts";
import { Switchyard } from "./switchyard.ts";

const switchyard = new Switchyard(readSettings());
let stopping: Promise<void> | undefined;

process.on("SIGINT", () => void stop(0));
process.on("SIGTERM", () => void stop(0));
process.on("SIGHUP", () => void stop(0));
process.on("uncaughtException", (error) => {
  process.stderr.write(`${explain(error)}\n`);
  void stop(1);
});
// Whoever read the progress may go away; what was started is stopped all the same.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

try {
  await switchyard.start();
} catch (error) {
  if (!stopping) {
    process.stderr.write(`${explain(error)}\n`);
    await stop(1);
  }
}

function readSettings() {
  try {
    return parseEnv(launcherEnv, process.env);
  } catch (error) {
    if (!(error instanceof EnvError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(exitConfig);
  }
}

async function stop(exitCode: number): Promise<void> {
  if (stopping) return;
  const isQuiet = exitCode !== 0;
  if (!isQuiet) line("stopping");
  stopping = switchyard.stop();
  await stopping;
  if (!isQuiet) line("stopped; nothing is left running");
  process.exit(exitCode);
}

function explain(error: unknown): string {
  if (error instanceof StartError) return error.message;
  if (error instanceof Error && "code" in error && error.code === "ENOSPC")
    return "The disk is full. Make room and run npm start again.";
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
