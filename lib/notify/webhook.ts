import { Webhook } from "standardwebhooks";
import { type PostOptions, post } from "./http.ts";
import type { Message, SendResult } from "./message.ts";

export type WebhookTarget = {
  url: string;
  /** "whsec_" and 24 to 64 bytes in base64; several while one replaces another, the newest first. */
  secrets: readonly string[];
};

/**
 * Sends a message as Standard Webhooks have it (standardwebhooks.com): a JSON body of type, timestamp and data, with webhook-id (the
 * same for every attempt), webhook-timestamp (of this attempt) and a webhook-signature for each secret.
 */
export function sendWebhook(
  target: WebhookTarget,
  message: Message,
  options: Pick<PostOptions, "timeoutMs" | "signal" | "lookup"> & { now: Date },
): Promise<SendResult> {
  const { now, ...rest } = options;
  const body = JSON.stringify(toBody(message));
  const signatures = target.secrets.map((secret) => new Webhook(secret).sign(message.id, now, body));
  const headers = {
    "content-type": "application/json",
    "webhook-id": message.id,
    "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
    "webhook-signature": signatures.join(" "),
  };
  return post({ url: target.url, headers, body, ...rest });
}

/** The body: the same for every attempt, since receivers may compare repetitions. */
export function toBody({ title, createdAt, url, events, total }: Message) {
  return {
    type: "switchyard.events",
    timestamp: createdAt.toISOString(),
    data: {
      title,
      url,
      count: total,
      events: events.map(({ at, ...event }) => ({ ...event, at: at.toISOString() })),
    },
  };
}
