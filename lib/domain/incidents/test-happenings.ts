import { randomUUID } from "node:crypto";
import type { Database } from "#lib/database/client.ts";
import type { AlertEpisode, AuditEntry, Rollout } from "#lib/database/generated/client.ts";
import { Prisma } from "#lib/database/generated/client.ts";
import type { ServiceRef } from "../fleet/schemas.ts";

/** What happens to services, as others store it; for tests. Each function returns the row's id. */

export const relay: ServiceRef = { namespace: "fleet", name: "relay" };

export async function storeSource(db: Database, at: Date): Promise<string> {
  const { id } = await db.alertSource.create({
    data: { name: randomUUID(), secretHash: randomUUID(), secretPrefix: "", createdAt: at, createdByName: "olga" },
  });
  return id;
}

type Alert = Partial<
  Pick<AlertEpisode, "sourceId" | "fingerprint" | "name" | "severity" | "silencedBy" | "inhibited" | "endsAt">
> & {
  startsAt: Date;
  service?: ServiceRef | null;
};

/** An alert that fires, or has ended at `endsAt`, with its transitions. */
export async function storeAlert(db: Database, { startsAt, endsAt = null, service = relay, ...rest }: Alert): Promise<string> {
  const id = randomUUID();
  const sourceId = rest.sourceId ?? (await storeSource(db, startsAt));
  const told = (kind: string, at: Date) => ({ kind, at, recordedAt: at, by: "webhook" });
  await db.alertEpisode.create({
    data: {
      id,
      fingerprint: id,
      name: "RelayHighLatency",
      severity: "critical",
      ...rest,
      sourceId,
      namespace: service?.namespace ?? null,
      service: service?.name ?? null,
      labels: {},
      annotations: { summary: "relay: p95 is 400 ms" },
      state: endsAt ? "resolved" : "firing",
      startsAt,
      endsAt,
      firstReceivedAt: new Date(startsAt.getTime() + 5_000),
      lastReceivedAt: endsAt ?? startsAt,
      transitions: { create: [told("fired", startsAt), ...(endsAt ? [told("resolved", endsAt)] : [])] },
    },
  });
  return id;
}

/** The alert's end, as a webhook tells it. */
export async function endAlert(db: Database, id: string, endsAt: Date): Promise<void> {
  await db.alertEpisode.update({
    where: { id },
    data: {
      state: "resolved",
      endsAt,
      transitions: { create: { kind: "resolved", at: endsAt, recordedAt: endsAt, by: "webhook" } },
    },
  });
}

type Action = Partial<Pick<AuditEntry, "verb" | "outcome" | "actorKind" | "actorName" | "reason">> & {
  at: Date;
  service?: ServiceRef;
};

/** An action that brought version 2.1.0, unless told otherwise. */
export async function storeAction(db: Database, { at, service = relay, ...rest }: Action): Promise<string> {
  const { id } = await db.auditEntry.create({
    data: {
      at,
      actorKind: "user",
      actorName: "piet",
      verb: "image",
      targetKind: "service",
      targetNamespace: service.namespace,
      targetName: service.name,
      before: { version: "2.0.0" },
      after: { intended: { version: "2.1.0" }, message: "", generation: 2 },
      reason: "the new version",
      outcome: "succeeded",
      requestId: "test",
      ...rest,
    },
  });
  return id;
}

type Ended = Partial<Pick<Rollout, "state" | "message" | "finishedAt">> & {
  startedAt: Date;
  service?: ServiceRef;
  strategy?: object;
  run?: object;
};

/** A rollout of an action of its own to version 2.1.0. */
export async function storeRollout(db: Database, { startedAt, service = relay, strategy, run, ...rest }: Ended): Promise<string> {
  const auditEntryId = await storeAction(db, { at: startedAt, service });
  const { id } = await db.rollout.create({
    data: {
      auditEntryId,
      namespace: service.namespace,
      service: service.name,
      workloadUid: randomUUID(),
      change: "image",
      fromVersion: "2.0.0",
      toVersion: "2.1.0",
      targetGeneration: 2,
      state: "progressing",
      message: "It begins.",
      startedAt,
      strategy: strategy ?? Prisma.DbNull,
      run: run ?? Prisma.DbNull,
      ...rest,
    },
  });
  return id;
}
