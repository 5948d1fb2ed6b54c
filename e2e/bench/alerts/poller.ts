/** The polls of the controller, in a thread of their own: what they cost must not be counted as the webhooks' latency. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { AlertmanagerClient } from "#lib/alertmanager/client.ts";
import { connectDatabase, type Database } from "#lib/database/client.ts";
import { Pipeline } from "#lib/database/pipeline.ts";
import { reconcileAlerts } from "#lib/domain/alerts/reconcile.ts";
import { createLogger } from "#lib/runtime/logger.ts";

export type PollerSettings = { databaseUrl: string; pollMs: number };
type Report = { shown: string[] };

/** Polls until it is stopped, and keeps what the members told to passes that were stored: fingerprint/start, in milliseconds. */
export class Poller {
  readonly shown = new Set<string>();
  readonly #worker: Worker;
  readonly #ended: Promise<unknown>;

  constructor(settings: PollerSettings) {
    this.#worker = new Worker(new URL(import.meta.url), {
      workerData: settings,
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    this.#ended = once(this.#worker, "exit");
    this.#worker.on("message", ({ shown }: Report) => {
      for (const key of shown) this.shown.add(key);
    });
  }

  /** Makes the last passes, with the clock ahead: what webhooks left open the polls of the next half minute end. */
  async finish(): Promise<void> {
    this.#worker.postMessage("finish");
    await this.#ended;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}

if (!isMainThread && parentPort) {
  const port = parentPort;
  const { databaseUrl, pollMs } = workerData as PollerSettings;
  const db = connectDatabase(databaseUrl, { maxConnections: 2 });
  const pipeline = new Pipeline(databaseUrl, { maxConnections: 2 });
  const finishing = new AbortController();
  port.once("message", () => finishing.abort());
  const report = async (laterMs: number) => port.postMessage({ shown: await poll({ db, pipeline }, laterMs) });
  while (!finishing.signal.aborted) {
    await report(0);
    await sleep(pollMs, undefined, { signal: finishing.signal }).catch(() => {});
  }
  for (const laterMs of [0, 10_000, 20_000]) await report(laterMs);
  await Promise.all([pipeline.end(), db.$disconnect()]);
}

/** One pass, with the clock ahead by `laterMs`; resolves to what the members told, unless the pass failed. */
async function poll(stores: { db: Database; pipeline: Pipeline }, laterMs: number): Promise<string[]> {
  const heard = new Map<string, string[]>();
  const connect = (url: string) => {
    const client = new AlertmanagerClient({ url });
    const status = client.status();
    return {
      status: () => status,
      listAlerts: async () => {
        const [alerts] = await Promise.all([client.listAlerts(), status]);
        heard.set(
          url,
          alerts.map(({ fingerprint, startsAt }) => `${fingerprint}/${startsAt.getTime()}`),
        );
        return alerts;
      },
    };
  };
  const logger = createLogger("poller", "silent");
  const pass = reconcileAlerts({ ...stores, clock: () => new Date(Date.now() + laterMs), logger, connect });
  const { failed } = await pass.catch(() => ({ failed: ["all"] }));
  return failed.length === 0 ? [...heard.values()].flat() : [];
}
