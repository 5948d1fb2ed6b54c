import { answerWebhook } from "#lib/web/alert-webhook.ts";
import { getRuntime } from "#lib/web/runtime.ts";

export const dynamic = "force-dynamic";

/** Where an Alertmanager sends its alerts, with the secret of its source as a bearer token. */
export async function POST(request: Request, { params }: { params: Promise<{ source: string }> }): Promise<Response> {
  const { ingest, logger } = getRuntime();
  return answerWebhook({ ingest, logger }, request, (await params).source);
}
