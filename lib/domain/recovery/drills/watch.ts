import { toJson } from "#lib/database/storable.ts";
import { transact } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import type { Scenario } from "../schemas.ts";
import { formatFigure } from "./figure.ts";
import { openDrillIncident } from "./incident.ts";
import { enter, type Pass } from "./pass.ts";
import { measureDrill, measureRehearsal } from "./report.ts";
import { scenarioWorks } from "./scenarios/all.ts";
import { listUnwell } from "./standing.ts";
import { type DrillNews, storeDrill } from "./store.ts";

/** A service outside may be short of an instance for a moment. */
const outsideMs = 10_000;
/** Without an alert for so long after clients are served again nobody was told. */
const alertPatienceMs = 45_000;

/** From the fault until clients are served again, somebody was told, and what was struck is back; or until it has taken too long. */
export async function watchDrill(pass: Pass): Promise<void> {
  const { row, run, work, observed } = pass;
  const { context, now } = work;
  const scenario = scenarioWorks[row.scenario as Scenario];
  const { strike } = run;
  if (!strike) return;
  const news: DrillNews[] = [];
  const sinceFaultMs = now.getTime() - Date.parse(strike.intendedAt);
  await confirm(pass, news);
  if (scenario.alert !== null) await hearAlert(pass, news);
  const failure = await remedy(pass, sinceFaultMs, news);
  if (!run.backAt && strike.confirmedAt && scenario.isBack(work)) run.backAt = now.toISOString();
  const measured = scenario.isRehearsal
    ? measureRehearsal(run, scenario.limits)
    : measureDrill(run, observed, now.getTime(), scenario.limits);
  const abort = run.abort ?? failure ?? findOutside(pass);
  const isRecovered = measured.rtoMs !== null && strike.confirmedAt !== null && (!scenario.remedy || run.remedy?.doneAt != null);
  if (isRecovered && !run.recoveredAt) {
    run.recoveredAt = measured.recoveredAt;
    const message = `Clients are served again, after ${formatFigure(measured.rtoMs ?? 0)}.`;
    news.push({ kind: "recovered", message: scenario.isRehearsal ? "It is built again." : message });
  }
  if (measured.isAway && run.recoveredAt) {
    run.recoveredAt = null;
    news.push({ kind: "relapsed", message: "Clients are not served any more: what was back was not all of it." });
  }
  const waited = run.recoveredAt ? now.getTime() - Math.max(Date.parse(run.recoveredAt), Date.parse(strike.intendedAt)) : 0;
  const isTold = scenario.alert === null || run.alert !== null || waited > alertPatienceMs;
  const isOver = isRecovered && isTold && (run.backAt !== null || scenario.isRehearsal);
  const isTooLong = sinceFaultMs > limitMs(Number(row.rtoObjectiveMs));
  if (abort) {
    run.abort = abort;
    news.push({ kind: "aborted", message: abort.reason });
  } else if (isTooLong && !isOver) {
    news.push({ kind: "limit", message: `It was watched for ${formatFigure(sinceFaultMs)}, and is cleaned up now.` });
  }
  if (abort || isOver || isTooLong) {
    run.watchedUntil = now.toISOString();
    enter(run, "clean", now);
  }
  await storeDrill(context, row, {
    run,
    data: {
      report: toJson({ ...measured.report, ledger: null }),
      ...(run.alert && { detectedAt: new Date(run.alert.receivedAt) }),
      recoveredAt: run.recoveredAt ? new Date(run.recoveredAt) : null,
      ...(news.length > 0 && { message: news.at(-1)?.message ?? "" }),
    },
    events: news,
  });
}

/** Twice the objective and two minutes at least: what is not back by then is a miss, and is cleaned up. */
function limitMs(rtoObjectiveMs: number): number {
  return Math.max(2 * rtoObjectiveMs, 150_000);
}

async function confirm({ row, run, work }: Pass, news: DrillNews[]): Promise<void> {
  if (!run.strike || run.strike.confirmedAt) return;
  const evidence = await scenarioWorks[row.scenario as Scenario].confirm(work);
  if (evidence === null) return;
  run.strike = { ...run.strike, confirmedAt: work.now.toISOString(), evidence };
  news.push({ kind: "confirmed", message: evidence });
}

/** The first alert of what suffers that began after the fault; all of them belong to the drill's incident. */
async function hearAlert({ row, run, work }: Pass, news: DrillNews[]): Promise<void> {
  const { context } = work;
  const ids = run.affected.map((id) => id.split("/"));
  const faultAt = new Date(run.strike?.intendedAt ?? 0);
  const episodes = await context.db.alertEpisode.findMany({
    where: { startsAt: { gte: faultAt }, OR: ids.map(([namespace, service]) => ({ namespace, service })) },
    orderBy: { firstReceivedAt: "asc" },
  });
  const [first] = episodes;
  if (!first) return;
  const { startsAt, firstReceivedAt } = first;
  const why = `${first.name} fired after the fault of the drill.`;
  const known = row.incidentId
    ? await context.db.incidentLink.count({
        where: { incidentId: row.incidentId, kind: "alert", targetId: { in: episodes.map(({ id }) => id) } },
      })
    : 0;
  if (known < episodes.length) {
    row.incidentId = await transact(context, (transaction) =>
      openDrillIncident(transaction, context, row, {
        episodes: episodes.map(({ id }) => id),
        impactStartedAt: faultAt,
        detectedAt: firstReceivedAt,
        why,
      }),
    );
  }
  if (run.alert) return;
  const receivedAt = firstReceivedAt.toISOString();
  run.alert = { episodeId: first.id, name: first.name, startsAt: startsAt.toISOString(), receivedAt };
  const took = formatFigure(firstReceivedAt.getTime() - faultAt.getTime());
  news.push({ kind: "detected", message: `${first.name} arrived ${took} after the fault, and opened an incident.` });
}

/** Returns why the drill is given up, when what was to help has failed. */
async function remedy(
  { row, run, work }: Pass,
  sinceFaultMs: number,
  news: DrillNews[],
): Promise<{ by: string; reason: string } | null> {
  const scenario = scenarioWorks[row.scenario as Scenario];
  if (!scenario.remedy || run.abort || run.remedy?.doneAt || !run.strike?.confirmedAt) return null;
  const at = work.now.toISOString();
  try {
    const done = await scenario.remedy(work, { isTold: run.alert !== null, sinceFaultMs });
    if (!done) return null;
    if (!run.remedy) {
      run.remedy = { startedAt: at, doneAt: null, message: done.message };
      news.push({ kind: "remedy", message: `${done.message} What helps is begun.` });
    }
    if (done.isDone) {
      run.remedy = { ...run.remedy, doneAt: at };
      news.push({ kind: "remedied", message: "What helps is done." });
    }
    return null;
  } catch (error) {
    if (!(error instanceof DomainError) || error.code === "kubernetes-unavailable") throw error;
    return { by: "Switchyard", reason: `What should have helped has failed: ${error.message}` };
  }
}

/** A service that the drill is not about, was well before, and is not for a while now. */
function findOutside({ run, work }: Pass): { by: string; reason: string } | null {
  const expected = new Set([...run.affected, ...run.unwell]);
  const { cluster, now } = work;
  const hurt = run.prey?.kind === "data" && run.prey.into ? `${run.prey.into}/` : null;
  const ids = listUnwell(cluster.services).filter((id) => !expected.has(id) && !(hurt && id.startsWith(hurt)));
  const [id] = ids;
  if (id === undefined) {
    run.outside = null;
    return null;
  }
  if (run.outside === null || !ids.includes(run.outside.id)) run.outside = { id, since: now.toISOString() };
  if (now.getTime() - Date.parse(run.outside.since) < outsideMs) return null;
  return { by: "Switchyard", reason: `${run.outside.id}, which the drill is not about, is not healthy.` };
}
