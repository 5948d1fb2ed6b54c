import type { Database, Prisma } from "#lib/database/client.ts";
import type { Rollout } from "#lib/database/generated/client.ts";
import { DomainError } from "../../errors.ts";
import type { ServiceRef } from "../../fleet/schemas.ts";
import { describeFreeze, listFreezes } from "./freeze.ts";
import type { Blocker, PreflightRecord } from "./start-schemas.ts";

/** What a rollout waits for: its service, the services that this needs, and its place in the queue (null: behind all). */
export type Waiting = {
  ref: ServiceRef;
  dependsOn: readonly string[];
  place: Pick<Rollout, "id" | "startedAt"> | null;
  /** Ids of freezes, alerts and rollouts that an administrator has overridden. */
  overridden: readonly string[];
};

type Reads = Pick<Database, "rollout" | "freezeWindow" | "alertEpisode">;

/** What keeps a rollout of the service from beginning now and ends by itself, the most lasting first. */
export async function listWaits(db: Reads, { ref, dependsOn, place, overridden }: Waiting, now: Date): Promise<Blocker[]> {
  const earlier = place ? earlierThan(place) : {};
  const standing = { id: { notIn: [...overridden] } };
  const [active, queued, dependencies, freezes, alerts] = await Promise.all([
    db.rollout.findFirst({ where: { ...ofService(ref), ...underWay }, orderBy: { startedAt: "asc" } }),
    db.rollout.findFirst({ where: { AND: [ofService(ref), { state: "queued" }, earlier] }, orderBy: { startedAt: "asc" } }),
    listDependencies(db, ref, dependsOn, { AND: [standing, { OR: [underWay, { AND: [{ state: "queued" }, earlier] }] }] }),
    listFreezes(db, ref, now),
    db.alertEpisode.findMany({
      where: { namespace: ref.namespace, service: ref.name, severity: { in: ["critical", "page"] }, ...firing, ...standing },
      orderBy: { startsAt: "asc" },
    }),
  ]);
  const frozen = freezes.filter(({ id }) => !overridden.includes(id));
  const [[freeze], [dependency], [alert]] = [frozen, dependencies, alerts];
  const waits: (Blocker | null | undefined)[] = [
    freeze && { id: "freeze", message: describeFreeze(freeze), canOverride: true, canQueue: true, about: idsOf(frozen) },
    active && { id: "active", message: `${describeRollout(active)} is under way.`, canOverride: false, canQueue: true },
    queued && {
      id: "queued",
      message: describeAhead(queued),
      canOverride: false,
      canQueue: true,
    },
    dependency && {
      id: "dependency",
      message: `${ref.name} depends on ${dependency.namespace}/${dependency.service}, whose ${nameChange(dependency)} is not over.`,
      canOverride: true,
      canQueue: true,
      about: idsOf(dependencies),
    },
    alert && {
      id: "alerts",
      message: `The critical alert ${alert.name} fires since ${alert.startsAt.toISOString().slice(0, 16).replace("T", " ")} UTC${alerts.length > 1 ? `, and ${alerts.length - 1} more` : ""}.`,
      canOverride: true,
      canQueue: true,
      about: idsOf(alerts),
    },
  ];
  return waits.filter((wait) => wait !== null && wait !== undefined);
}

function idsOf(rows: readonly { id: string }[]): string[] {
  return rows.map(({ id }) => id);
}

/** What a rollout says that waits behind this one of the same service. */
export function describeAhead(rollout: Pick<Rollout, "service" | "change" | "toVersion">): string {
  return `${describeRollout(rollout)} was asked for before and waits.`;
}

/** An alert that fires and that nobody and nothing hides. */
export const firing = { state: "firing", silencedBy: { isEmpty: true }, inhibited: false } as const;

/** The ids of the freezes, alerts and rollouts that an administrator has overridden at the start. */
export function overriddenBy({ override, blockers }: PreflightRecord): string[] {
  return override ? blockers.filter(({ canOverride }) => canOverride).flatMap(({ about = [] }) => about) : [];
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

const mostQueued = 20;

/** Refuses (precondition-failed) one more rollout in the queue of the service when that is full. */
export async function refuseFullQueue(db: Pick<Database, "rollout">, ref: ServiceRef): Promise<void> {
  const count = await db.rollout.count({ where: { ...ofService(ref), state: "queued" } });
  if (count < mostQueued) return;
  throw new DomainError(
    "precondition-failed",
    `Nothing was started. ${count} rollouts of ${ref.name} wait already, as many as may; abort one of them first.`,
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

/** Those under way, or that wait and were asked for earlier: so two services that depend on each other never wait for ever. */
function listDependencies(
  db: Reads,
  { namespace, name }: ServiceRef,
  dependsOn: readonly string[],
  where: Prisma.RolloutWhereInput,
): Promise<Pick<Rollout, "id" | "namespace" | "service" | "change" | "toVersion">[]> {
  const needed = dependsOn
    .filter((id) => id !== `${namespace}/${name}`)
    .map((id) => {
      const [inNamespace = "", service = ""] = id.split("/");
      return { namespace: inNamespace, service };
    });
  if (needed.length === 0) return Promise.resolve([]);
  return db.rollout.findMany({
    where: { AND: [{ OR: needed }, where] },
    select: { id: true, namespace: true, service: true, change: true, toVersion: true },
    orderBy: { startedAt: "asc" },
  });
}

function describeRollout(rollout: Pick<Rollout, "service" | "change" | "toVersion">): string {
  return `The ${nameChange(rollout)} of ${rollout.service}`;
}

function nameChange({ change, toVersion }: Pick<Rollout, "change" | "toVersion">): string {
  return `${change === "rollback" ? "rollback" : "rollout"}${toVersion ? ` to ${toVersion}` : ""}`;
}
