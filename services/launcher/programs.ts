import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { runToEnd } from "./run-to-end.ts";

/** The programs beside Node that the embedded parts run, and the Debian packages that bring them. */
const needed = [
  { program: "redis-server", package: "redis-server" },
  { program: "prometheus", package: "prometheus" },
  { program: "prometheus-alertmanager", package: "prometheus-alertmanager" },
  { program: "prometheus-node-exporter", package: "prometheus-node-exporter" },
  { program: "pg_dump", package: "postgresql-client" },
];

/** What is missing, as Debian package names. */
export function missingPackages(): string[] {
  return needed.filter(({ program }) => !isInstalled(program)).map((entry) => entry.package);
}

/** The command that a person runs to install packages. */
export function installCommand(packages: string[]): string {
  return `sudo apt-get install --no-install-recommends -y ${packages.join(" ")}`;
}

/**
 * Installs packages with apt-get, as root or by sudo without a password. Resolves to whether they are there now. The packages'
 * own services are kept from starting: the fleet runs these programs itself, on ports that they would take.
 */
export async function installPackages(packages: string[], logFile: string, signal: AbortSignal): Promise<boolean> {
  const become = privilege();
  if (!become || !isInstalled("apt-get")) return false;
  const policy = "/usr/sbin/policy-rc.d";
  const ownPolicy = become.length === 0 && !existsSync(policy);
  if (ownPolicy) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const install = [...become, "apt-get", "install", "--no-install-recommends", "-y", ...packages];
    if ((await runToEnd(install, { logFile, env, signal })) !== 0) {
      await runToEnd([...become, "apt-get", "update"], { logFile, env, signal });
      await runToEnd(install, { logFile, env, signal });
    }
  } finally {
    if (ownPolicy) rmSync(policy, { force: true });
  }
  return missingPackages().length === 0;
}

function privilege(): string[] | undefined {
  if (process.getuid?.() === 0) return [];
  return spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0 ? ["sudo", "-n"] : undefined;
}

function isInstalled(program: string): boolean {
  const path = `${process.env.PATH ?? ""}:/usr/sbin:/sbin:/usr/local/bin`;
  return path.split(":").some((folder) => folder !== "" && existsSync(`${folder}/${program}`));
}
