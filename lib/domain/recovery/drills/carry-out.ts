import { randomUUID } from "node:crypto";
import type { Drill } from "#lib/database/generated/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { switchyard } from "../../incidents/switchyard.ts";
import type { Scenario } from "../schemas.ts";
import { beginDrill } from "./begin.ts";
import { readChoice } from "./facts.ts";
import { finishDrill } from "./finish.ts";
import { enter, type Pass } from "./pass.ts";
import { measureDrill, measureRehearsal } from "./report.ts";
import type { DrillRun } from "./run.ts";
import { scenarioWorks } from "./scenarios/all.ts";
import type { DrillMeans, Work } from "./scenarios/scenario.ts";
import { Overtaken, runOf, storeDrill } from "./store.ts";
import { settingsOf, subjectOf } from "./stored.ts";
import { watchDrill } from "./watch.ts";
import { type Observed, WitnessReader } from "./witness.ts";

export type DrillRunner = Pick<Context, "db" | "kubernetes" | "prometheus" | "clock" | "logger"> & DrillMeans;

const cleanMs = 5 * 60_000;
const settleMs = 30_000;

/** Carries out the drill that is under way, a stage or a part of one at a time. What a killed controller left is gone on with. */
export class DrillRunnerPass {
  readonly #context: DrillRunner;
  #reader: { drillId: string; reader: WitnessReader } | null = null;

  constructor(context: DrillRunner) {
    this.#context = context;
  }

  /** One pass; may be repeated, and run by two controllers at once: a drill is written only over the version that was read. */
  async pass(): Promise<void> {
    const open = await this.#context.db.drill.findMany({
      where: { state: { in: ["queued", "running"] } },
      orderBy: { createdAt: "asc" },
      take: 5,
    });
    for (const row of open) {
      try {
        await this.#advance(row);
      } catch (error) {
        if (!(error instanceof Overtaken)) this.#context.logger.warn({ err: error, drill: row.id }, "a drill cannot go on now");
      }
    }
  }

  async #advance(row: Drill): Promise<void> {
    const context = { ...this.#context, actor: switchyard, requestId: randomUUID() };
    const run = structuredClone(runOf(row));
    const settings = settingsOf(row);
    const now = context.clock();
    const choice = await readChoice(context, { scenario: row.scenario as Scenario, subject: subjectOf(row), settings });
    const work: Work = { ...choice, context, drillId: row.id, run, now };
    const scenario = scenarioWorks[row.scenario as Scenario];
    const observed = scenario.isRehearsal ? null : await this.#observe(work);
    const pass: Pass = { row, run, work, observed };
    if (row.abortReason !== null && run.abort === null) {
      run.abort = { by: row.abortedByName ?? "Somebody", reason: row.abortReason };
    }
    switch (run.stage) {
      case "check":
      case "baseline":
      case "strike":
        return beginDrill(pass);
      case "watch":
        return watchDrill(pass);
      case "clean":
        return cleanUp(pass);
      case "settle":
        return settle(pass);
    }
  }

  async #observe({ witness, drillId }: Work): Promise<Observed | null> {
    if (this.#reader?.drillId !== drillId) {
      const { kubernetes, clock } = this.#context;
      this.#reader = { drillId, reader: new WitnessReader(kubernetes, () => clock().getTime()) };
    }
    if (!witness) return null;
    return this.#reader.reader.read(witness).catch((error: unknown) => {
      if (error instanceof KubernetesError) return null;
      throw error;
    });
  }
}

async function cleanUp({ row, run, work }: Pass): Promise<void> {
  const { now, context } = work;
  const problem = run.strike
    ? await scenarioWorks[row.scenario as Scenario].cleanUp(work).catch((error: unknown) => {
        if (error instanceof DomainError) return error.message;
        throw error;
      })
    : null;
  const isGivenUp = now.getTime() - Date.parse(run.stageSince) > cleanMs;
  if (problem !== null && !isGivenUp) {
    if (row.message !== problem) await storeDrill(context, row, { run, data: { message: problem } });
    return;
  }
  run.leftOver = problem;
  const message = problem === null ? "Everything is as it was." : `It was not cleaned up: ${problem}`;
  enter(run, "settle", now);
  await storeDrill(context, row, { run, data: { message }, events: [{ kind: "cleaned", message }] });
}

/** What was acknowledged before clients were served again has to be found or known to be lost before anything is counted. */
async function settle({ row, run, work, observed }: Pass): Promise<void> {
  const { now, context, subject } = work;
  const scenario = scenarioWorks[row.scenario as Scenario];
  const until = Date.parse(run.watchedUntil ?? now.toISOString());
  const examined = run.strike && scenario.examine ? await scenario.examine(work) : { checks: [], gaps: [] };
  run.checks = [...run.checks, ...examined.checks];
  const measured = scenario.isRehearsal
    ? measureRehearsal(run, scenario.limits)
    : measureDrill(run, observed, until, scenario.limits);
  const openSince = observed?.ledger.oldestUnsettledAt ?? null;
  const isOpen = !scenario.isRehearsal && (observed === null || (openSince !== null && openSince < until));
  if (isOpen && run.strike && now.getTime() - Date.parse(run.stageSince) < settleMs) return;
  await finishDrill(context, row, { run, measured, gaps: [...findGaps(run, observed, isOpen), ...examined.gaps], subject });
}

function findGaps(run: DrillRun, observed: Observed | null, isOpen: boolean): string[] {
  if (!run.witness) return [];
  if (!observed) return ["The prober could not be asked what it saw."];
  const gaps: string[] = [];
  if (observed.epoch !== run.witness.epoch) gaps.push("The prober was restarted, and its ledger with it.");
  if (observed.forgotten > 0) gaps.push(`The prober had forgotten ${observed.forgotten} outcomes.`);
  if (isOpen) gaps.push(`${observed.ledger.unsettled} acknowledged writes are neither found nor known to be lost.`);
  return gaps;
}
