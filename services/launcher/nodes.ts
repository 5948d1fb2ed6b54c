import { parseEnvOrExit } from "#lib/runtime/env.ts";
import { launcherEnv } from "./env.ts";
import { askPower, type NodePower, powerSocket } from "./node-power.ts";

/** `npm run nodes -- [kill NODE | start NODE]`: lists the local cluster's nodes, cuts the power of one, or restores it. */

const [verb, node] = process.argv.slice(2);
const socket = powerSocket(parseEnvOrExit(launcherEnv).dataDir);

try {
  if (verb === undefined) print(await askPower(socket, "GET", "/nodes"));
  else if ((verb === "kill" || verb === "start") && node) print(await askPower(socket, "POST", `/nodes/${node}/${verb}`));
  else throw new Error("Usage: npm run nodes -- [kill NODE | start NODE]");
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}

function print(nodes: NodePower[]): void {
  for (const { name, isOn } of nodes) process.stdout.write(`${name}  ${isOn ? "on" : "off"}\n`);
}
