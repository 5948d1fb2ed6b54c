import { expect, test } from "vitest";
import type { AlertIngest } from "#lib/domain/alerts/ingest-queue.ts";
import { DomainError } from "#lib/domain/errors.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { answerWebhook, maxWebhookBytes } from "./alert-webhook.ts";

const logger = createLogger("test", "silent");
const source = { id: "1", name: "prod" };

/** An ingest that knows one secret and ends as it is told. */
function ingestThat(receive: () => Promise<unknown>): AlertIngest {
  const authenticate = async (_name: string, secret: string | null) => {
    if (secret !== "right") throw new DomainError("not-authenticated", "This source of alerts is not known.");
    return source;
  };
  return { authenticate, receive } as unknown as AlertIngest;
}

function send(
  body: string | Uint8Array<ArrayBuffer>,
  receive: () => Promise<unknown> = async () => ({ alerts: 1, unreadable: 0 }),
  secret = "right",
) {
  const request = new Request("http://localhost/api/alerts/webhook/prod", {
    method: "POST",
    headers: { authorization: `Bearer ${secret}` },
    body,
  });
  return answerWebhook({ ingest: ingestThat(receive), logger }, request, "prod");
}
const fails = (error: Error) => () => Promise.reject(error);

test("a webhook is answered with 200 only after it is stored", async () => {
  let isStored = false;
  const answer = send("{}", async () => {
    await new Promise((resolve) => setImmediate(resolve));
    isStored = true;
    return { alerts: 1, unreadable: 0 };
  });
  const response = await answer;
  expect([isStored, response.status]).toEqual([true, 200]);
  expect(await response.json()).toEqual({ alerts: 1, unreadable: 0 });
});

test("a wrong secret gets 401 and its body is not read", async () => {
  let wasRead = false;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        wasRead = true;
        controller.enqueue(new Uint8Array(10));
      },
    },
    { highWaterMark: 0 },
  );
  const init = { method: "POST", headers: { authorization: "Bearer wrong" }, body, duplex: "half" } as RequestInit;
  const request = new Request("http://localhost/api/alerts/webhook/prod", init);
  const response = await answerWebhook({ ingest: ingestThat(async () => ({})), logger }, request, "prod");
  expect([response.status, wasRead]).toEqual([401, false]);
});

test("what may go better later gets 5xx, also an error that nobody thought of; only what cannot be read gets 422", async () => {
  const away = new DomainError("database-unavailable", "Switchyard's database does not answer.");
  expect((await send("{}", fails(away))).status).toBe(503);
  expect((await send("{}", fails(new Error("a defect")))).status).toBe(500);
  expect((await send("{}", fails(new DomainError("invalid-input", "This is no webhook.")))).status).toBe(422);
});

test("a body that is too long gets 413 and is told what to do", async () => {
  const response = await send(new Uint8Array(maxWebhookBytes + 1));
  expect(response.status).toBe(413);
  expect(await response.json()).toMatchObject({ code: "too-long", detail: expect.stringMatching(/max_alerts/) });
  expect((await send(new Uint8Array(maxWebhookBytes))).status).toBe(200);
});
