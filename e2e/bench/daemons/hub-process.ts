import type { ChildProcess } from "node:child_process";
import { openSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ask, type HubFleet, waitFor } from "#lib/protocol/testing/hub-fleet.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import type { Bench } from "./peers.ts";

const main = fileURLToPath(new URL("../../../services/hub/main.ts", import.meta.url));

/**
 * Starts the hub of a fleet, with its log in a file: a pipe that this process is too busy to read would hold the hub up. Started
 * again, it has the same ports.
 */
export async function startHub(bench: Bench, fleet: HubFleet, variables: Record<string, string> = {}): Promise<ChildProcess> {
  fleet.port ||= await freePort();
  fleet.healthPort ||= await freePort();
  const log = openSync(join(bench.folder, "hub.log"), "a");
  const hub = bench.start(process.execPath, ["--disable-warning=ExperimentalWarning", main], {
    stdio: ["ignore", log, "inherit"],
    env: {
      NODE_ENV: "production",
      BIND_ADDRESS: `127.0.0.1:${fleet.port}`,
      HEALTH_ADDRESS: `127.0.0.1:${fleet.healthPort}`,
      TLS_CERT_FILE: join(fleet.folder, "ca.pem"),
      TLS_KEY_FILE: join(fleet.folder, "key.pem"),
      HUB_AUTH_TOKEN: fleet.token,
      HUB_MAX_CONNECTIONS: "5000",
      ...variables,
    },
  });
  await waitFor(async () => {
    if (hub.exitCode !== null) throw new Error(`the hub ended with ${hub.exitCode}`);
    return (await ask(fleet.healthPort, "/ready")).status === 200 || undefined;
  });
  return hub;
}
