/**
 * The process that answers the viewers: the product's own store, Prometheus client and queries on a real database, behind a plain
 * HTTP server. Made up are the fleet (one service of the kind relay) and the clock, which a request sets.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connectDatabase } from "#lib/database/client.ts";
import type { ConsoleContext } from "#lib/domain/context.ts";
import type { FleetStore } from "#lib/domain/fleet/live.ts";
import { PanelStore } from "#lib/domain/metrics/panel-store.ts";
import { getPanelsJson } from "#lib/domain/metrics/queries.ts";
import { PrometheusClient } from "#lib/prometheus/client.ts";
import { createLogger } from "#lib/runtime/logger.ts";

const service = { namespace: "fleet", name: "relay" };
const settings = { scrapeSeconds: 5, prometheusUrl: null };
const [prometheusUrl = "", databaseUrl = ""] = process.argv.slice(2);

let now = 0;
const clock = () => new Date(now * 1000);
const prometheus = new PrometheusClient({ url: prometheusUrl });
const id = `${service.namespace}/${service.name}`;
let panels = new PanelStore(prometheus, clock);
const parts = {
  actor: { kind: "user", id: null, name: "viewer", role: "viewer" },
  db: connectDatabase(databaseUrl, { maxConnections: 2 }),
  prometheus,
  clock,
  logger: createLogger("bench", "silent"),
  requestId: "bench",
  fleet: { findKind: (asked: string) => (asked === id ? "relay" : null) } satisfies Pick<FleetStore, "findKind">,
};
const context = () => ({ ...parts, panels }) as unknown as ConsoleContext;

const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://console");
  if (pathname === "/now") {
    now = Number(searchParams.get("seconds"));
    response.end();
  } else if (pathname === "/forget") {
    panels = new PanelStore(prometheus, clock);
    response.end();
  } else if (pathname === "/memory") {
    response.end(JSON.stringify({ kept: panels.bytes + panels.reads.bytes }));
  } else {
    const json = await getPanelsJson(context(), settings, service, Object.fromEntries(searchParams));
    response.setHeader("content-type", "application/json").end(json);
  }
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
