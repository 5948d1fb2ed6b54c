import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Database } from "#lib/database/client.ts";
import type { Prisma } from "#lib/database/generated/client.ts";
import type { Sql } from "#lib/database/pipeline.ts";
import { writeAudit } from "../audit.ts";
import { authorise, type Context, isUniqueViolation, type Transaction, transact, translateDatabaseErrors } from "../context.ts";
import { DomainError } from "../errors.ts";
import { parseId, parseInput } from "../validation.ts";
import {
  type AlertSourceView,
  type CreatedSource,
  type CreateSourceInput,
  createSourceSchema,
  type UpdateSourceInput,
  updateSourceSchema,
} from "./source-schemas.ts";

const prefixLength = 12;
const findSecret = {
  name: "find-alert-secret",
  text: "SELECT id::text, secret_hash FROM alert_sources WHERE name = $1 AND disabled_at IS NULL",
};
const withState = {
  members: { orderBy: { url: "asc" } },
  blindWindows: { where: { endedAt: null } },
  _count: { select: { episodes: { where: { state: "firing" } } } },
} as const satisfies Prisma.AlertSourceInclude;
type SourceRow = Prisma.AlertSourceGetPayload<{ include: typeof withState }>;

/** The sources of alerts, by name. */
export async function listAlertSources(context: Context): Promise<AlertSourceView[]> {
  authorise(context, "viewer", "see the sources of alerts");
  const rows = await translateDatabaseErrors(() =>
    context.db.alertSource.findMany({ orderBy: { name: "asc" }, include: withState }),
  );
  return rows.map(viewSource);
}

/** Makes a source. The answer holds the secret that its webhook is to send, which is never to be had again. */
export async function createAlertSource(context: Context, input: CreateSourceInput | unknown): Promise<CreatedSource> {
  authorise(context, "admin", "add a source of alerts");
  const { name, urls } = parseInput(createSourceSchema, input);
  const secret = makeSecret();
  try {
    const row = await transact(context, async (transaction) => {
      const created = await transaction.alertSource.create({
        data: {
          ...toColumns(secret),
          name,
          createdAt: context.clock(),
          createdByName: context.actor.name,
          members: { create: urls.map((url) => ({ url })) },
        },
        include: withState,
      });
      const after = { urls, prefix: created.secretPrefix };
      await writeAudit(transaction, context, { ...target(name), verb: "create", after, outcome: "succeeded" });
      return created;
    });
    return { source: viewSource(row), secret };
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    const message = "There is a source of this name already.";
    throw new DomainError("invalid-input", message, { fields: { name: [message] } });
  }
}

/** Gives a source a new secret; the old one ends within a second. What its Alertmanagers send is refused until they have the new one. */
export async function rotateAlertSource(context: Context, id: string): Promise<CreatedSource> {
  authorise(context, "admin", "change the secret of a source of alerts");
  const secret = makeSecret();
  const row = await transact(context, async (transaction) => {
    const known = await findSource(transaction, id);
    const rotated = await transaction.alertSource.update({ where: { id }, data: toColumns(secret), include: withState });
    await writeAudit(transaction, context, {
      ...target(known.name),
      verb: "rotate-secret",
      before: { prefix: known.secretPrefix },
      after: { prefix: rotated.secretPrefix },
      outcome: "succeeded",
    });
    return rotated;
  });
  return { source: viewSource(row), secret };
}

/** Changes which Alertmanagers a source has, or whether it is listened to. */
export async function updateAlertSource(
  context: Context,
  id: string,
  input: UpdateSourceInput | unknown,
): Promise<AlertSourceView> {
  authorise(context, "admin", "change a source of alerts");
  const { urls, disabled } = parseInput(updateSourceSchema, input);
  const row = await transact(context, async (transaction) => {
    const known = await findSource(transaction, id);
    if (urls) await setMembers(transaction, id, urls);
    const now = context.clock();
    const changed = await transaction.alertSource.update({
      where: { id },
      data: disabled === undefined ? {} : { disabledAt: disabled ? (known.disabledAt ?? now) : null },
      include: withState,
    });
    // Nobody listens to a disabled source on purpose: that is no blind window.
    if (disabled) {
      await transaction.blindWindow.updateMany({ where: { openKey: id }, data: { endedAt: now, openKey: null } });
    }
    const facts = (source: SourceRow) => ({
      urls: source.members.map(({ url }) => url),
      disabled: source.disabledAt !== null,
    });
    await writeAudit(transaction, context, {
      ...target(known.name),
      verb: "update",
      before: facts(known),
      after: facts(changed),
      outcome: "succeeded",
    });
    return findSource(transaction, id);
  });
  return viewSource(row);
}

/** Removes a source with the whole history of its alerts. Disabling it keeps that. */
export async function removeAlertSource(context: Context, id: string): Promise<void> {
  authorise(context, "admin", "remove a source of alerts");
  await transact(context, async (transaction) => {
    const known = await findSource(transaction, id);
    const episodes = await transaction.alertEpisode.count({ where: { sourceId: id } });
    await transaction.alertSource.delete({ where: { id } });
    await writeAudit(transaction, context, {
      ...target(known.name),
      verb: "remove",
      before: { urls: known.members.map(({ url }) => url), prefix: known.secretPrefix, episodes },
      outcome: "succeeded",
    });
  });
}

/**
 * Sets a source from a given secret and the addresses of its Alertmanagers, e.g. the embedded one at every start. A changed secret
 * replaces the old one; what is known of members that stay is kept.
 */
export async function ensureAlertSource(db: Database, input: { name: string; secret: string; urls: string[] }): Promise<void> {
  const { name, urls } = parseInput(createSourceSchema, input);
  if (input.secret.length < 32) throw new Error("the secret of a source of alerts has at least 32 characters");
  const columns = toColumns(input.secret);
  await transact({ db }, async (transaction) => {
    const made = { name, createdAt: new Date(), createdByName: "Switchyard" };
    const { id } = await transaction.alertSource.upsert({
      where: { name },
      create: { ...columns, ...made },
      update: columns,
    });
    await setMembers(transaction, id, urls);
  });
}

/** A source and the hash of the secret that its webhook sends. */
export type SourceSecret = { id: string; secretHash: string };

/** The secret of a source; null when there is none of that name, or when it is disabled. */
export async function findSourceSecret(sql: Sql, name: string): Promise<SourceSecret | null> {
  const [row] = await sql<{ id: string; secret_hash: string }>(findSecret, [name]);
  return row ? { id: row.id, secretHash: row.secret_hash } : null;
}

/** Whether a webhook's secret is that of the source. */
export function isSecretOf({ secretHash }: SourceSecret, secret: string): boolean {
  return timingSafeEqual(Buffer.from(secretHash, "hex"), Buffer.from(hashSecret(secret), "hex"));
}

async function setMembers(transaction: Transaction, sourceId: string, urls: string[]): Promise<void> {
  await transaction.alertSourceMember.deleteMany({ where: { sourceId, url: { notIn: urls } } });
  await transaction.alertSourceMember.createMany({ data: urls.map((url) => ({ sourceId, url })), skipDuplicates: true });
}

async function findSource(transaction: Transaction, id: string): Promise<SourceRow> {
  const row = await transaction.alertSource.findUnique({
    where: { id: parseId(id, "source of alerts") },
    include: withState,
  });
  if (!row) throw new DomainError("not-found", "There is no source of alerts with this id.");
  return row;
}

function makeSecret(): string {
  return `swa_${randomBytes(32).toString("base64url")}`;
}

function toColumns(secret: string) {
  return { secretHash: hashSecret(secret), secretPrefix: secret.slice(0, prefixLength) };
}

function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

function target(name: string) {
  return { targetKind: "alert-source", targetName: name };
}

function viewSource(row: SourceRow): AlertSourceView {
  const [blind] = row.blindWindows;
  return {
    id: row.id,
    name: row.name,
    prefix: row.secretPrefix,
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdByName,
    disabled: row.disabledAt !== null,
    lastReceivedAt: row.lastReceivedAt?.toISOString() ?? null,
    watchdogAt: row.watchdogAt?.toISOString() ?? null,
    members: row.members.map((member) => ({
      url: member.url,
      lastPolledAt: member.lastPolledAt?.toISOString() ?? null,
      failingSince: member.failingSince?.toISOString() ?? null,
      lastError: member.lastError,
      startedAt: member.startedAt?.toISOString() ?? null,
    })),
    blind: blind ? { since: blind.beganAt.toISOString(), reason: blind.reason } : null,
    openAlerts: row._count.episodes,
  };
}
