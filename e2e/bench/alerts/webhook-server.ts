import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { connectDatabase } from "#lib/database/client.ts";
import { Pipeline } from "#lib/database/pipeline.ts";
import { AlertIngest } from "#lib/domain/alerts/ingest-queue.ts";
import { hintAlerts } from "#lib/domain/alerts/live-hint.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { answerWebhook } from "#lib/web/alert-webhook.ts";

/**
 * The product's webhook without Next: the handler behind POST /api/alerts/webhook/<source> (lib/web/alert-webhook.ts, with its limits)
 * on Node's HTTP server. Run by itself it takes DATABASE_URL and prints the port.
 */
export async function startWebhookServer(databaseUrl: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const logger = createLogger("webhook", process.env.LOG_LEVEL ?? "silent");
  const db = connectDatabase(databaseUrl, { maxConnections: 1 });
  const pipeline = new Pipeline(databaseUrl);
  const ingest = new AlertIngest({ pipeline, clock: () => new Date(), logger, onChange: () => hintAlerts(db) });
  const server = createServer(async (incoming, outgoing) => {
    const response = await answerWebhook({ ingest, logger }, await toRequest(incoming), incoming.url?.split("/").at(-1) ?? "");
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    outgoing.end(await response.text());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/api/alerts/webhook`,
    stop: async () => {
      await close(server);
      await Promise.all([pipeline.end(), db.$disconnect()]);
    },
  };
}

async function toRequest(incoming: IncomingMessage): Promise<Request> {
  const headers = Object.entries(incoming.headers).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return new Request(`http://localhost${incoming.url}`, {
    method: "POST",
    headers,
    body: new Uint8Array(await buffer(incoming)),
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

if (process.argv[1] === import.meta.filename) {
  const { url, stop } = await startWebhookServer(process.env.DATABASE_URL ?? "");
  process.stdout.write(`${url}\n`);
  process.once("SIGTERM", () => void stop().then(() => process.exit(0)));
}
