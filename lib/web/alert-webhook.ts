import { randomUUID } from "node:crypto";
import type { AlertIngest } from "#lib/domain/alerts/ingest-queue.ts";
import { DomainError } from "#lib/domain/errors.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { toProblem } from "./problem.ts";

/** The longest body that a webhook may send: some 20,000 alerts. */
export const maxWebhookBytes = 16 * 2 ** 20;

/**
 * Answers one webhook of Alertmanager: 200 after its alerts are committed, 401 for a wrong secret, 413 for a body that is too long,
 * 422 for one that cannot be read, and 5xx for everything that may go better later. No session and no API token opens it.
 */
export async function answerWebhook(
  { ingest, logger }: { ingest: AlertIngest; logger: Logger },
  request: Request,
  sourceName: string,
): Promise<Response> {
  const requestId = randomUUID();
  try {
    const secret = /^Bearer\s+(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? null;
    const source = await ingest.authenticate(sourceName, secret);
    const bytes = await readBytes(request);
    if (!bytes) return refuseLength(logger, source.name, requestId);
    return Response.json(await ingest.receive(source, bytes), { headers: { "cache-control": "no-store" } });
  } catch (error) {
    if (error instanceof DomainError) logger.warn({ requestId, source: sourceName, code: error.code }, error.message);
    else logger.error({ err: error, requestId, source: sourceName }, "a webhook failed");
    return toProblem(error, requestId);
  }
}

/** null when the body is too long. */
async function readBytes(request: Request): Promise<Uint8Array | null> {
  if (Number(request.headers.get("content-length") ?? 0) > maxWebhookBytes) return null;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > maxWebhookBytes) return null;
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}

function refuseLength(logger: Logger, source: string, requestId: string): Response {
  const detail =
    `The body is longer than ${maxWebhookBytes / 2 ** 20} MiB. Set max_alerts in Alertmanager's webhook_configs, or group alerts by ` +
    "more labels; what is cut off is found by polling.";
  logger.error({ source, requestId }, "a webhook was refused because its body is too long");
  const problem = {
    type: "https://switchyard.dev/problems/too-long",
    title: "The body is too long",
    status: 413,
    detail,
    code: "too-long",
    requestId,
  };
  return Response.json(problem, {
    status: 413,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", connection: "close" },
  });
}
