import type { Message, MessageEvent } from "#lib/notify/message.ts";
import { type Context, translateDatabaseErrors } from "../context.ts";
import type { Claimed } from "./claim.ts";
import { payloadSchema } from "./events.ts";
import { listedForPeople, maxEventsAMessage } from "./policy.ts";

/** The message of a delivery: the same at every attempt. `baseUrl` is where people open Switchyard. */
export async function composeMessage({ db }: Pick<Context, "db">, claimed: Claimed, baseUrl: string): Promise<Message> {
  const { id, title, createdAt, eventCount, target } = claimed;
  const base = baseUrl.replace(/\/+$/, "");
  const take = target.kind === "webhook" ? maxEventsAMessage.webhook : listedForPeople;
  const rows = await translateDatabaseErrors(() =>
    db.notification.findMany({
      where: { deliveryId: id },
      orderBy: [{ rank: "asc" }, { createdAt: "asc" }, { id: "asc" }],
      take,
    }),
  );
  const events = rows.map((row): MessageEvent => {
    const { path, at, text, namespace, service } = payloadSchema.parse(row.payload);
    const { eventKey: key, event, severity } = row;
    return { key, event, title: row.title, text, severity, namespace, service, at: new Date(at), url: `${base}${path}` };
  });
  const [only] = events;
  const log = `${base}/settings/notifications?message=${id}`;
  const rest =
    eventCount > events.length
      ? await countRest(
          db,
          id,
          rows.map((row) => row.id),
        )
      : [];
  return { id, title, createdAt, url: eventCount === 1 && only ? only.url : log, events, total: eventCount, rest };
}

/** What is not listed, counted by what it is about. */
async function countRest(db: Context["db"], deliveryId: string, listed: string[]): Promise<Message["rest"]> {
  const rows = await translateDatabaseErrors(
    () => db.$queryRaw<{ subject: string; event: string; count: number }[]>`
      SELECT payload->>'subject' AS subject, event, count(*)::int AS count FROM notifications
      WHERE delivery_id = ${deliveryId}::uuid AND NOT id = ANY(${listed}::uuid[])
      GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 50`,
  );
  return rows.map(({ subject, event, count }) => ({ what: event === "alert-resolved" ? `${subject} resolved` : subject, count }));
}
