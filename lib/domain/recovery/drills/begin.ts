import { DomainError } from "../../errors.ts";
import { scenarioInfos } from "../objectives/scenarios.ts";
import type { Scenario } from "../schemas.ts";
import { readGuardFacts } from "./facts.ts";
import { judgeGuards, refusalOf } from "./guards.ts";
import { toleranceOf } from "./measure.ts";
import { enter, type Pass } from "./pass.ts";
import { consecutive } from "./report.ts";
import { describePrey } from "./run.ts";
import { scenarioWorks } from "./scenarios/all.ts";
import { withTemplateHash } from "./scenarios/bad-release.ts";
import { listUnwell } from "./standing.ts";
import { storeDrill } from "./store.ts";
import { overrideOf, settingsOf, subjectOf } from "./stored.ts";
import type { Observed } from "./witness.ts";

const baselineMs = 10_000;
const mostBaselineMs = 90_000;

/** Everything up to the fault: the guard rails once more, that clients are served, and the strike. */
export async function beginDrill(pass: Pass): Promise<void> {
  if (pass.run.abort) return giveUp(pass, pass.run.abort.reason);
  if (pass.run.stage === "check") return check(pass);
  if (pass.run.stage === "baseline") return watchBefore(pass);
  return strike(pass);
}

async function check(pass: Pass): Promise<void> {
  const { row, run, work } = pass;
  const { context, now, cluster, witness } = work;
  const scenario = scenarioWorks[row.scenario as Scenario];
  const objective = { rtoSeconds: Number(row.rtoObjectiveMs) / 1000, rpoSeconds: Number(row.rpoObjectiveMs) / 1000 };
  const asked = { scenario: row.scenario as Scenario, subject: subjectOf(row), settings: settingsOf(row) };
  const refusal = refusalOf(
    judgeGuards(await readGuardFacts(context, asked, work, { objective, ownId: row.id })),
    overrideOf(row),
  );
  const chosen = scenario.choose(work);
  if (refusal !== null) return giveUp(pass, refusal);
  if ("problem" in chosen) return giveUp(pass, chosen.problem);
  run.prey = await withTemplateHash(context, chosen.prey);
  run.affected = chosen.affected;
  run.unwell = listUnwell(cluster.services);
  if (witness && pass.observed && !scenario.isRehearsal) {
    const { service, target } = witness;
    run.witness = { ref: service.ref, target, epoch: pass.observed.epoch, since: now.toISOString() };
  }
  enter(run, "baseline", now);
  const chosenWords = `${scenarioInfos[row.scenario as Scenario].title}: ${describePrey(run.prey)} is chosen.`;
  const message = scenario.isRehearsal ? chosenWords : `${chosenWords} Clients are watched first.`;
  await storeDrill(context, row, {
    run,
    data: { state: "running", startedAt: now, message },
    events: [{ kind: "begun", message }],
  });
}

async function watchBefore(pass: Pass): Promise<void> {
  const { row, run, work, observed } = pass;
  const { now, context } = work;
  const since = now.getTime() - Date.parse(run.stageSince);
  const { isRehearsal } = scenarioWorks[row.scenario as Scenario];
  if (!isRehearsal) {
    const unserved = observed === null ? "The prober does not answer." : findUnserved(observed, now.getTime());
    if (unserved !== null && since > mostBaselineMs) return giveUp(pass, `Clients are not served as they should be: ${unserved}`);
    if (unserved !== null || since < baselineMs) return;
  }
  enter(run, "strike", now);
  await storeDrill(context, row, { run, data: { message: isRehearsal ? "It begins." : "Clients are served: it begins." } });
}

/** The first path that has not had its successes in a row up to now; null when all have. */
export function findUnserved({ outcomes, paths }: Pick<Observed, "outcomes" | "paths">, now: number): string | null {
  if (paths.length === 0) return "the prober tries nothing.";
  for (const [index, path] of paths.entries()) {
    const newest = outcomes.filter((outcome) => outcome.path === index).slice(-consecutive);
    const last = newest.at(-1);
    const isServed =
      newest.length === consecutive &&
      newest.every(({ isOk }) => isOk) &&
      last &&
      now - last.endedAt <= toleranceOf(path) + 1_000;
    if (!isServed) return `${path.name} has not had ${consecutive} successes in a row.`;
  }
  return null;
}

/** Written before it is done: a controller that is killed in between does it again, and what is struck is the same. */
async function strike(pass: Pass): Promise<void> {
  const { run, work } = pass;
  const { context, now } = work;
  const scenario = scenarioWorks[pass.row.scenario as Scenario];
  if (!run.prey) return giveUp(pass, "Nothing was chosen.");
  const what = describePrey(run.prey);
  if (!run.strike) await scenario.prepare?.(work);
  run.strike ??= { intendedAt: now.toISOString(), doneAt: null, confirmedAt: null, evidence: null };
  const message = scenario.isRehearsal ? "The rehearsal begins." : `The fault strikes ${what}.`;
  const meant = await storeDrill(context, pass.row, {
    run,
    data: { faultAt: new Date(run.strike.intendedAt), message },
    events: pass.row.faultAt ? [] : [{ kind: "struck", message }],
  });
  try {
    await scenario.strike(work);
  } catch (error) {
    if (!(error instanceof DomainError) || error.code === "kubernetes-unavailable") throw error;
    run.abort = { by: "Switchyard", reason: `The fault could not be brought about: ${error.message}` };
    enter(run, "clean", context.clock());
    await storeDrill(context, meant, { run, events: [{ kind: "aborted", message: run.abort.reason }] });
    return;
  }
  const done = context.clock();
  run.strike = { ...run.strike, doneAt: done.toISOString() };
  enter(run, "watch", done);
  await storeDrill(context, meant, { run });
}

/** Before anything was struck there is nothing to clean up, and nothing was measured. */
async function giveUp({ row, run, work }: Pass, reason: string): Promise<void> {
  const { context, now } = work;
  if (run.strike) {
    run.abort ??= { by: "Switchyard", reason };
    enter(run, "clean", now);
    await storeDrill(context, row, { run, events: [{ kind: "aborted", message: reason }] });
    return;
  }
  const message = `It was not begun: ${reason}`;
  await storeDrill(context, row, {
    run: { ...run, abort: run.abort ?? { by: "Switchyard", reason } },
    data: { state: "aborted", verdict: "inconclusive", message, finishedAt: now, activeKey: null },
    events: [{ kind: "aborted", message }],
  });
}
