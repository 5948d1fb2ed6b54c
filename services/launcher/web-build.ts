import { createHash } from "node:crypto";
import { cpSync, existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectDir } from "./env.ts";
import { runToEnd } from "./run-to-end.ts";
import { StartError } from "./start-error.ts";

const buildDir = join(projectDir, ".next");
const stampFile = join(buildDir, "built-from");

/** The folder and script that run the built web process. */
export const webServer = { cwd: join(buildDir, "standalone"), script: join(buildDir, "standalone", "server.js") };

/** Builds the web process unless its sources are those of the last build. Resolves to whether it built. Throws StartError. */
export async function buildWeb(logFile: string, signal: AbortSignal): Promise<boolean> {
  const hash = hashSources();
  if (existsSync(webServer.script) && existsSync(stampFile) && readFileSync(stampFile, "utf8") === hash) return false;
  const next = join(projectDir, "node_modules", "next", "dist", "bin", "next");
  const env = { ...process.env, NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1" } as const;
  const code = await runToEnd([process.execPath, next, "build"], { logFile, env, cwd: projectDir, signal });
  signal.throwIfAborted();
  if (code !== 0)
    throw new StartError(`The web process could not be built; ${logFile} says why. Mend it and run npm start again.`);
  cpSync(join(buildDir, "static"), join(webServer.cwd, ".next", "static"), { recursive: true });
  writeFileSync(stampFile, hash);
  return true;
}

function hashSources(): string {
  const hash = createHash("sha256");
  const patterns = ["app/**/*", "lib/**/*", "prisma/schema.prisma", "{proxy,instrumentation,next.config}.ts", "*.{mjs,json}"];
  const files = globSync(patterns, { cwd: projectDir, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.test\.tsx?$|\.tsbuildinfo$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const file of files) hash.update(file.slice(projectDir.length)).update("\0").update(readFileSync(file));
  return hash.digest("hex");
}
