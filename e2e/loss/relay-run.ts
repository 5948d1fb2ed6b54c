import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { OperationRefused, RelayClient } from "#lib/protocol/relay-client.ts";
import { eventually } from "#lib/protocol/testing/relay-stack.ts";
import type { Load } from "./case.ts";
import type { History } from "./history.ts";
import { type RelaySite, settleMs } from "./relay-site.ts";

/** A producer makes no more while so many of its messages wait for an answer. */
const maxPending = 300;

/** Producers write numbered words into two documents while `fault` happens; at the end every replica is read. */
export async function runOnRelays(site: RelaySite, history: History, load: Load, fault: () => Promise<void>): Promise<void> {
  const documents = [randomUUID(), randomUUID()];
  const watchers = documents.map((documentId) => watch(site, history, documentId));
  const producers = Array.from({ length: load.producers }, (_, index) =>
    produce(site, history, `p${index}`, documents[index % documents.length] ?? "", load.perSecond / load.producers),
  );
  try {
    await sleep(1_000);
    await fault();
    await sleep(1_500);
    await site.untilReady();
    await Promise.all(producers.map((producer) => producer.finish()));
    const revisions = await Promise.all(documents.map((documentId) => inspectStored(site, history, documentId)));
    for (const [index, documentId] of documents.entries()) await readReplicas(site, history, documentId, revisions[index] ?? 0);
    await Promise.all(
      watchers.map(async (client, index) => {
        await eventually(() => client.revision >= (revisions[index] ?? 0), 15_000).catch(() => {
          history.add({ kind: "wrong", what: `a watcher stays at revision ${client.revision} of ${revisions[index]}` });
        });
      }),
    );
  } finally {
    await Promise.all([...watchers, ...producers.map(({ client }) => client)].map((client) => client.stop()));
  }
}

function open(site: RelaySite, url: string, documentId: string): RelayClient {
  const backoff = { initialMs: 50, maxMs: 500 };
  const client = new RelayClient({ url, documentId, token: () => site.token(), backoff });
  client.on("connectFailed", ({ message }) => site.refusals.push(message));
  return client;
}

function produce(site: RelaySite, history: History, producer: string, documentId: string, perSecond: number) {
  const client = open(site, site.url, documentId);
  const waiting = new Set<Promise<void>>();
  let sequence = 0;
  const timer = setInterval(() => {
    if (client.pendingCount >= maxPending) return;
    sequence += 1;
    const message = { producer, sequence };
    history.add({ kind: "sent", ...message });
    const answer = client
      .insert(0, `${producer}:${sequence} `)
      .then(() => history.add({ kind: "acknowledged", ...message }))
      .catch((error: unknown) => {
        const code = error instanceof OperationRefused ? error.code : String(error);
        if (code !== "stopped") history.add({ kind: "refused", ...message });
        // No database goes back here, so no client may be made to give up what can be committed all the same.
        if (code === "reset") history.add({ kind: "wrong", what: `${producer} had to start again` });
      })
      .finally(() => waiting.delete(answer));
    waiting.add(answer);
  }, 1000 / perSecond);
  client.start();
  return {
    client,
    async finish() {
      clearInterval(timer);
      await Promise.race([Promise.all(waiting), sleep(settleMs, undefined, { ref: false })]);
      if (waiting.size > 0) history.add({ kind: "wrong", what: `${producer} waits for ${waiting.size} answers in vain` });
    },
  };
}

/** Sees every operation as it comes, over the same bad network as the producers. */
function watch(site: RelaySite, history: History, documentId: string): RelayClient {
  const client = open(site, site.url, documentId);
  const observer = `watcher of ${documentId}`;
  client.on("operation", ({ delta }) => {
    for (const part of delta) if ("insert" in part) deliver(history, "watchers", part.insert.trim().split(" "));
  });
  client.on("snapshot", ({ revision }) => {
    if (revision > 0) history.add({ kind: "partial", observer: "watchers" });
    history.add({ kind: "fault", what: `${observer} got a snapshot of ${revision}` });
  });
  client.start();
  return client;
}

/** What a new client reads from each replica, without the proxy. Words are put in front, so the oldest are last. */
async function readReplicas(site: RelaySite, history: History, documentId: string, revision: number): Promise<void> {
  const texts = await Promise.all(
    site.relays.map(async ({ url }) => {
      const client = open(site, url, documentId);
      client.start();
      try {
        await eventually(() => client.isLive && client.revision >= revision);
        return JSON.stringify(client.confirmed);
      } catch {
        history.add({ kind: "wrong", what: `a replica gives revision ${client.revision} of ${revision}` });
        return undefined;
      } finally {
        await client.stop();
      }
    }),
  );
  for (const [index, text] of texts.entries()) {
    if (text === undefined) continue;
    if (text !== texts[0]) history.add({ kind: "wrong", what: "two replicas give different documents" });
    const words = (JSON.parse(text) as { insert: string }[]).map(({ insert }) => insert).join("");
    deliver(history, `replica ${index}`, words.trim().split(" ").reverse());
  }
}

async function inspectStored(site: RelaySite, history: History, documentId: string): Promise<number> {
  const database = new pg.Client(site.stack.postgres.url);
  await database.connect();
  try {
    const { rows } = await database.query<{ client_id: string; sequence: number; revision: number }>(
      "SELECT client_id, sequence::int, revision::int FROM operations WHERE document_id = $1 ORDER BY revision",
      [documentId],
    );
    if (rows.some(({ revision }, index) => revision !== index + 1))
      history.add({ kind: "wrong", what: "revisions in PostgreSQL have gaps" });
    if (new Set(rows.map(({ client_id, sequence }) => `${client_id} ${sequence}`)).size < rows.length)
      history.add({ kind: "wrong", what: "PostgreSQL has an operation twice" });
    const highest = new Map<string, number>();
    for (const { client_id, sequence } of rows) {
      if (sequence < (highest.get(client_id) ?? 0))
        history.add({ kind: "wrong", what: `PostgreSQL has operation ${sequence} of a client after a later one` });
      highest.set(client_id, sequence);
    }
    return rows.length;
  } finally {
    await database.end();
  }
}

function deliver(history: History, observer: string, words: string[]): void {
  for (const word of words) {
    const [producer = "", sequence = ""] = word.split(":");
    if (producer) history.add({ kind: "delivered", observer, producer, sequence: Number(sequence) });
  }
}
