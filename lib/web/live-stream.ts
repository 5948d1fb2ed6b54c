import type { LiveMessage } from "#lib/domain/fleet/schemas.ts";
import type { Subscription } from "#lib/domain/fleet/subscription.ts";

const heartbeatMs = 10_000;
const checkMs = 60_000;
const encoder = new TextEncoder();

// The messages of one tick go to all viewers of a page: they become bytes once, and one write for each viewer.
const encoded = new WeakMap<readonly LiveMessage[], Uint8Array>();
const encodedMessages = new WeakMap<LiveMessage, string>();

/**
 * A subscription as Server-Sent Events. Messages are taken only when the connection can carry them, so a slow viewer waits in
 * its bounded subscription. `mayGoOn` is asked once a minute, however much there is to send; false ends the stream, and when it
 * rejects nothing is known, and the stream goes on. `now` is a monotonic clock in milliseconds.
 */
export function streamLive(
  subscription: Subscription,
  signal: AbortSignal,
  mayGoOn: () => Promise<boolean>,
  now: () => number = () => performance.now(),
): Response {
  let checkedAt = now();
  signal.addEventListener("abort", () => subscription.close(), { once: true });
  if (signal.aborted) subscription.close();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const messages = await subscription.next(heartbeatMs);
        if (messages === null) return close(controller);
        if (now() - checkedAt >= checkMs) {
          checkedAt = now();
          if (!(await mayGoOn().catch(() => true))) {
            subscription.close();
            return close(controller);
          }
        }
        controller.enqueue(encode(messages.length > 0 ? messages : [{ type: "heartbeat", at: new Date().toISOString() }]));
      },
      cancel() {
        subscription.close();
      },
    },
    { highWaterMark: 1 },
  );
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
      connection: "keep-alive",
    },
  });
}

function close(controller: ReadableStreamDefaultController): void {
  try {
    controller.close();
  } catch {
    // The browser has closed it before.
  }
}

function encode(messages: readonly LiveMessage[]): Uint8Array {
  const known = encoded.get(messages);
  if (known) return known;
  const bytes = encoder.encode(messages.map(toText).join(""));
  encoded.set(messages, bytes);
  return bytes;
}

/** Viewers of different pages share the messages that all are sent. */
function toText(message: LiveMessage): string {
  const known = encodedMessages.get(message);
  if (known !== undefined) return known;
  const text = `event: ${message.type}\ndata: ${JSON.stringify(message)}\n\n`;
  encodedMessages.set(message, text);
  return text;
}
