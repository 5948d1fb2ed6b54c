import type { Database, Prisma } from "#lib/database/client.ts";
import type { Rollout } from "#lib/database/generated/client.ts";
import { DomainError } from "../errors.ts";
import type { ServiceRef } from "../fleet/schemas.ts";
import { describeFreeze, findFreeze } from "./freeze.ts";
import type { Blocker, PreflightRecord } from "./start-schemas.ts";

/** What a rollout waits for: its service, the services that this needs, and its place in the queue (null: behind all). */
export type Waiting = { ref: ServiceRef; dependsOn: readonly string[]; place: Pick<Rollout, "id" | "startedAt"> | null };

type Reads = Pick<Database, "rollout" | "freezeWindow" | "alertEpisode">;

/** What keeps a rollout of the service from beginning now and ends by itself, the most lasting first. */
export async function listWaits(db: Reads, { ref, dependsOn, place }: Waiting, now: Date): Promise<Blocker[]> {
  const earlier = place ? earlierThan(place) : {};
  const [active, queued, dependency, freeze, alert] = await Promise.all([
    db.rollout.findFirst({ where: { ...ofService(ref), ...underWay }, orderBy: { startedAt: "asc" } }),
    db.rollout.findFirst({ where: { AND: [ofService(ref), { state: "queued" }, earlier] }, orderBy: { startedAt: "asc" } }),
    findDependency(db, ref, dependsOn, earlier),
    findFreeze(db, ref, now),
    db.alertEpisode.findFirst({
      where: { namespace: ref.namespace, service: ref.name, severity: { in: ["critical", "page"] }, ...firing },
      orderBy: { startsAt: "asc" },
    }),
  ]);
  const waits: (Blocker | null)[] = [
    freeze && { id: "freeze", message: describeFreeze(freeze), canOverride: true, canQueue: true },
    active && { id: "active", message: `${describeRollout(active)} is under way.`, canOverride: false, canQueue: true },
    queued && {
      id: "queued",
      message: `${describeRollout(queued)} was asked for before and waits.`,
      canOverride: false,
      canQueue: true,
    },
    dependency && {
      id: "dependency",
      message: `${ref.name} depends on ${dependency.namespace}/${dependency.service}, whose ${nameChange(dependency)} is not over.`,
      canOverride: true,
      canQueue: true,
    },
    alert && {
      id: "alerts",
      message: `The critical alert ${alert.name} fires since ${alert.startsAt.toISOString().slice(0, 16).replace("T", " ")} UTC.`,
      canOverride: true,
      canQueue: true,
    },
  ];
  return waits.filter((wait) => wait !== null);
}

/** An alert that fires and that nobody and nothing hides. */
export const firing = { state: "firing", silencedBy: { isEmpty: true }, inhibited: false } as const;

/** The ids of what an administrator has overridden. */
export function overriddenBy({ override, blockers }: PreflightRecord): Set<string> {
  return new Set(override ? blockers.filter(({ canOverride }) => canOverride).map(({ id }) => id) : []);
}

/**
 * Refuses (precondition-failed) an action while a rollout with a strategy is carried out on the service: the rollout would take it
 * for somebody else's change, or undo it.
 */
export async function refuseDuringRollout(db: Pick<Database, "rollout">, { namespace, name }: ServiceRef): Promise<void> {
  const active = await db.rollout.findUnique({ where: { activeKey: activeKeyOf({ namespace, name }) } });
  if (!active) return;
  throw new DomainError(
    "precondition-failed",
    `${describeRollout(active)} is under way with a strategy of its own; abort it, or wait for its end.`,
  );
}

/** There is one rollout with a strategy at a time with this key. */
export function activeKeyOf({ namespace, name }: ServiceRef): string {
  return `${namespace}/${name}`;
}

/** Scaling is no change of the template, and goes on beside one. */
const underWay = { state: { in: ["progressing", "paused"] }, change: { not: "scale" } } satisfies Prisma.RolloutWhereInput;

function ofService({ namespace, name }: ServiceRef): Prisma.RolloutWhereInput {
  return { namespace, service: name };
}

function earlierThan({ id, startedAt }: Pick<Rollout, "id" | "startedAt">): Prisma.RolloutWhereInput {
  return { OR: [{ startedAt: { lt: startedAt } }, { startedAt, id: { lt: id } }] };
}

/** One that is under way, or that waits and was asked for earlier: so two services that depend on each other never wait for ever. */
function findDependency(
  db: Reads,
  { namespace, name }: ServiceRef,
  dependsOn: readonly string[],
  earlier: Prisma.RolloutWhereInput,
): Promise<Rollout | null> {
  const needed = dependsOn
    .filter((id) => id !== `${namespace}/${name}`)
    .map((id) => {
      const [inNamespace = "", service = ""] = id.split("/");
      return { namespace: inNamespace, service };
    });
  if (needed.length === 0) return Promise.resolve(null);
  return db.rollout.findFirst({
    where: { AND: [{ OR: needed }, { OR: [underWay, { AND: [{ state: "queued" }, earlier] }] }] },
    orderBy: { startedAt: "asc" },
  });
}

function describeRollout(rollout: Pick<Rollout, "service" | "change" | "toVersion">): string {
  return `The ${nameChange(rollout)} of ${rollout.service}`;
}

function nameChange({ change, toVersion }: Pick<Rollout, "change" | "toVersion">): string {
  return `${change === "rollback" ? "rollback" : "rollout"}${toVersion ? ` to ${toVersion}` : ""}`;
}
