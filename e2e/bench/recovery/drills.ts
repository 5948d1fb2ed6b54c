import { randomUUID } from "node:crypto";
import { stripVTControlCharacters } from "node:util";
import { type APIRequestContext, request } from "@playwright/test";
import type { DrillPreview } from "#lib/domain/recovery/drills/schemas.ts";
import { carryOutDrill, untilWell } from "../../drill-api.ts";
import { describeDrill } from "../../drill-words.ts";
import { readService } from "../../fleet-api.ts";
import { resolveAll } from "../../incident-page.ts";
import { logInByApi } from "../../log-in.ts";
import { startSystem, system } from "../../system.ts";
import type { Series } from "./drill-figures.ts";

const namespace = "fleet";
const service = "relay";
const subject = `${namespace}/${service}`;
const scenarios = ["instance", "node"] as const;

export type DrillBench = {
  repeats: number;
  /** A product that runs already; null: one of its own is started, and ended afterwards. */
  product: { url: string; username: string; password: string } | null;
  say: (text: string) => void;
  signal: AbortSignal;
};

/** Repeats the drills of an instance and of a node of the demo's relay, one after the other as drills are. */
export async function measureDrills({ repeats, product, say, signal }: DrillBench): Promise<Series[]> {
  if (product) return withSession(product, (api) => repeatAll(api, { repeats, say, signal, isOwn: false }));
  say("drills: starting a product of its own");
  const started = await startSystem({ fresh: true });
  const stopped = () => void started.stop();
  signal.addEventListener("abort", stopped);
  try {
    const own = { url: system.url, username: "admin", password: started.password ?? "" };
    return await withSession(own, (api) => repeatAll(api, { repeats, say, signal, isOwn: true }));
  } finally {
    signal.removeEventListener("abort", stopped);
    await started.stop();
  }
}

type Person = { url: string; username: string; password: string };

async function withSession<T>({ url, ...person }: Person, run: (api: APIRequestContext) => Promise<T>): Promise<T> {
  const api = await request.newContext({ baseURL: url });
  try {
    await logInByApi(api, person);
    return await run(api);
  } finally {
    await api.dispose();
  }
}

type Repeats = Pick<DrillBench, "repeats" | "say" | "signal"> & { isOwn: boolean };

async function repeatAll(api: APIRequestContext, settings: Repeats): Promise<Series[]> {
  const all: Series[] = [];
  for (const scenario of scenarios) all.push(await repeat(api, scenario, settings));
  return all;
}

/** What was measured before it could not go on is told all the same. */
async function repeat(api: APIRequestContext, scenario: Series["scenario"], settings: Repeats): Promise<Series> {
  const { repeats, say, signal, isOwn } = settings;
  const series: Series = { scenario, subject, drills: [], endedBy: null, resolved: [] };
  try {
    while (series.drills.length < repeats) {
      signal.throwIfAborted();
      const reason = `Repeat ${series.drills.length + 1} of ${repeats} for bench:recovery`;
      await untilWell(api);
      await spreadOut(api, scenario);
      const { drill } = await carryOutDrill(api, { scenario, subject, reason }, async () => {
        // Forty faults an hour burn the error budget, which opens an incident; no drill begins beside one.
        if (isOwn) series.resolved.push(...(await resolveAll(api, service)));
      });
      series.drills.push(drill);
      say(`${series.drills.length} of ${repeats}: ${describeDrill(drill)}`);
    }
  } catch (error) {
    const cause = signal.aborted ? signal.reason : error;
    const [message = ""] = stripVTControlCharacters(cause instanceof Error ? cause.message : String(cause)).split("\n");
    series.endedBy = message;
    say(`${scenario}: ${message}`);
  }
  return series;
}

/** What ran on a node that was lost runs elsewhere since: a restart brings an instance back to it, so that it can be lost again. */
async function spreadOut(api: APIRequestContext, scenario: Series["scenario"]): Promise<void> {
  const previewed = await api.post("/api/drills/preview", { data: { scenario, subject } });
  const { target }: DrillPreview = await previewed.json();
  if (target !== null) return;
  const { uid, templateHash } = await readService(api, service);
  const reason = "An instance has to run on the node that is lost";
  await change(api, `/api/services/${subject}/actions/restart`, { reason, seen: { uid, templateHash } });
}

async function change(api: APIRequestContext, path: string, data: object): Promise<void> {
  const answer = await api.post(path, { data, headers: { "Idempotency-Key": randomUUID() } });
  if (!answer.ok()) throw new Error(`POST ${path} was refused: ${await answer.text()}`);
}
