import type { Rollout } from "#lib/database/generated/client.ts";
import { toJson } from "#lib/database/storable.ts";
import type { Workload } from "#lib/kubernetes/objects.ts";
import { authorise, type Context, translateDatabaseErrors } from "../context.ts";
import { DomainError } from "../errors.ts";
import { describeAbout } from "../fleet/about.ts";
import { parseId } from "../validation.ts";
import { startRun } from "./engine/compile-steps.ts";
import { hasTemplate } from "./engine/completion.ts";
import { readWorld } from "./engine/world.ts";
import type { Blocker } from "./start/start-schemas.ts";
import type { RolloutTarget } from "./start/target.ts";
import { activeKeyOf, listWaits } from "./start/waits.ts";
import type { Strategy } from "./strategy.ts";

type Wanted = { reason: string; override: boolean };

/** What keeps an aborted rollout from being retried now; an administrator may override what can be. */
export async function listRetryBlockers(context: Context, id: string): Promise<Blocker[]> {
  authorise(context, "viewer", "see rollouts");
  const rolloutId = parseId(id, "rollout");
  const row = await translateDatabaseErrors(() => context.db.rollout.findUnique({ where: { id: rolloutId } }));
  if (!row) throw new DomainError("not-found", "There is no rollout with this id.");
  if (row.strategy === null) throw new DomainError("precondition-failed", "A change that was written at once has no retry.");
  return (await lookAgain(context, row, context.clock())).blockers;
}

/**
 * An aborted rollout from its first step, on the service as it was: whatever else was done with it since is not overwritten. Throws
 * precondition-failed, or stale when the service is no longer as it was.
 */
export async function planRetry(context: Context, row: Rollout, { reason, override }: Wanted, now: Date) {
  const { stable, blockers } = await lookAgain(context, row, now);
  const isOverridden = ({ canOverride }: Blocker) => override && canOverride;
  const standing = blockers.find((blocker) => !isOverridden(blocker));
  if (!stable || standing) {
    throw new DomainError(
      standing?.id === "template" ? "stale" : "precondition-failed",
      `Nothing was done. ${standing?.message ?? ""}`,
    );
  }
  const overridden = blockers.filter(isOverridden).map((blocker) => blocker.message);
  const said = `Retried by ${context.actor.name}: ${reason}`;
  const message = overridden.length === 0 ? said : `${said.replace(/\.?$/, ".")} Overridden: ${overridden.join(" ")}`;
  return {
    data: {
      run: toJson(startRun(row.strategy as unknown as Strategy, stable, now)),
      state: "progressing" as const,
      message,
      startedAt: now,
      finishedAt: null,
      activeKey: activeKeyOf({ namespace: row.namespace, name: row.service }),
    },
    event: { kind: "retried", message },
  };
}

type Look = { stable: Workload | null; blockers: Blocker[] };

async function lookAgain({ db, kubernetes }: Context, row: Rollout, now: Date): Promise<Look> {
  const ref = { namespace: row.namespace, name: row.service };
  const { stable } = await readWorld(kubernetes, { ref, uid: row.workloadUid, before: null, now });
  if (!stable) return { stable, blockers: [final("deleted", "The workload was deleted; there is nothing to retry.")] };
  if (!hasTemplate(stable, (row.target as unknown as RolloutTarget).before)) {
    const message = "The service's template has changed since this rollout began; look at it and start a new one.";
    return { stable, blockers: [final("template", message)] };
  }
  const { dependsOn } = describeAbout(stable);
  const waiting = { ref, dependsOn, place: null, overridden: [] };
  return { stable, blockers: await translateDatabaseErrors(() => listWaits(db, waiting, now)) };
}

function final(id: string, message: string): Blocker {
  return { id, message, canOverride: false, canQueue: false };
}
