/**
 * So many edges, as far as a hub can tell: clients of the hub that come back by themselves, as services/edge/main.ts makes them.
 * Sends how many of them are connected whenever that changes.
 *
 *   HUB_TOKEN=... HUB_CA_FILE=... node storm-edges.ts PORT COUNT PREFIX
 */
import { readFileSync } from "node:fs";
import { HubClient } from "#lib/protocol/hub-client.ts";
import { createLogger } from "#lib/runtime/logger.ts";

const [port = "0", count = "1", prefix = "e"] = process.argv.slice(2);
const { HUB_TOKEN: token = "", HUB_CA_FILE: caFile = "" } = process.env;
const ca = readFileSync(caFile, "utf8");
let connected = 0;
const tell = () => process.send?.(connected);
for (let index = 0; index < Number(count); index += 1) {
  const client = new HubClient({
    hubs: [{ host: "127.0.0.1", port: Number(port) }],
    hello: { role: "edge", tenant: "storm", instance: `${prefix}${index}`, version: "bench", token: () => token },
    tls: { ca },
    logger: createLogger("storm", "silent"),
    onConnect: () => {
      connected += 1;
      tell();
    },
    onDisconnect: () => {
      connected -= 1;
      tell();
    },
  });
  client.start();
}
tell();
process.once("disconnect", () => process.exit());
