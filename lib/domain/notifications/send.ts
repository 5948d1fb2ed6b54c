import { z } from "zod";
import type { NotificationTarget } from "#lib/database/generated/client.ts";
import { type Message, result, type SendResult } from "#lib/notify/message.ts";
import { sendSlack } from "#lib/notify/slack.ts";
import { type MailTarget, sendMail } from "#lib/notify/smtp.ts";
import { sendWebhook } from "#lib/notify/webhook.ts";
import { SealedError, type Sealer } from "#lib/runtime/sealed.ts";
import type { AttemptOutcome, MailSettings } from "./schemas.ts";
import { openSecrets, type TargetSecrets } from "./secrets.ts";

export type SendOptions = { sealer: Sealer; now: Date; timeoutMs: number; mailAuthorities?: string };

/** Sends a message to a target in its way; never rejects for what is wrong with the target. */
export async function sendTo(
  target: NotificationTarget,
  message: Message,
  options: SendOptions,
): Promise<Omit<SendResult, "outcome"> & { outcome: AttemptOutcome }> {
  try {
    return await deliver(target, openSecrets(options.sealer, target), message, options);
  } catch (error) {
    if (error instanceof SealedError) return { ...result("failing", { error: error.message }), outcome: "unreadable" };
    if (error instanceof z.ZodError || error instanceof SyntaxError) {
      return {
        ...result("failing", { error: "The settings of this target cannot be read: enter them anew." }),
        outcome: "unreadable",
      };
    }
    throw error;
  }
}

function deliver(
  { kind, config }: NotificationTarget,
  secrets: TargetSecrets,
  message: Message,
  { now, timeoutMs, mailAuthorities }: SendOptions,
): Promise<SendResult> {
  const url = secrets.url ?? "";
  switch (kind) {
    case "webhook":
      return sendWebhook({ url, secrets: validSigningSecrets(secrets, now) }, message, { now, timeoutMs });
    case "slack":
      return sendSlack({ url }, message, { timeoutMs });
    default: {
      const target: MailTarget = { ...(config as MailSettings), password: secrets.password ?? null };
      return sendMail(target, message, { timeoutMs, ca: mailAuthorities });
    }
  }
}

/** The secrets to sign with now: the newest, and what it replaced while that still counts. */
export function validSigningSecrets({ signing = [] }: TargetSecrets, now: Date): string[] {
  return signing.filter(({ until }) => until === null || new Date(until) > now).map(({ secret }) => secret);
}
