import { randomUUID } from "node:crypto";
import type { NotificationTarget } from "#lib/database/generated/client.ts";
import type { Sealer } from "#lib/runtime/sealed.ts";
import { writeAudit } from "../audit.ts";
import { authorise, type Context, isUniqueViolation, type Transaction, transact, translateDatabaseErrors } from "../context.ts";
import { DomainError } from "../errors.ts";
import { parseId, parseInput } from "../validation.ts";
import { getTarget } from "./queries.ts";
import { createTargetSchema, type TargetWithSecret, updateTargetSchema } from "./schemas.ts";
import { makeSigningSecret, sealSecrets } from "./secrets.ts";
import { changeSettings, describeSettings, findSecrets, makeSettings } from "./settings.ts";

/** A context that can seal and open secrets. */
export type SealingContext = Context & { sealer: Sealer };

const maxTargets = 100;
const rowsADelete = 5_000;
const replacedSecretValidMs = 24 * 3_600_000;

/**
 * Adds a target; administrators only. The answer holds the signing secret that was made for a webhook, which is never to be had
 * again.
 */
export async function createTarget(context: SealingContext, input: unknown): Promise<TargetWithSecret> {
  authorise(context, "admin", "add notification targets");
  const given = parseInput(createTargetSchema, input);
  const { name, kind, filter } = given;
  const { config, secrets, signingSecret } = makeSettings(given);
  const { actor, clock, sealer } = context;
  const id = randomUUID();
  const data = { id, name, kind, config, filter, sealedSecrets: sealSecrets(sealer, id, secrets) };
  const target = await withFreeName(() =>
    transact(context, async (transaction) => {
      if ((await transaction.notificationTarget.count()) >= maxTargets) {
        throw new DomainError("precondition-failed", `There are ${maxTargets} targets already; remove one first.`);
      }
      const created = await transaction.notificationTarget.create({
        data: { ...data, createdAt: clock(), updatedAt: clock(), updatedByName: actor.name },
      });
      await writeAudit(transaction, context, { ...about("create", created), after: auditedFields(created) });
      return created;
    }),
  );
  return { target: await getTarget(context, target.id), signingSecret };
}

/**
 * Changes a target, or disables it; administrators only. What is left out stays, secrets too. The answer holds a signing secret when
 * the one before does not open any more and a new one was made.
 */
export async function updateTarget(context: SealingContext, id: string, input: unknown): Promise<TargetWithSecret> {
  authorise(context, "admin", "change notification targets");
  const { name, filter, disabled, settings } = parseInput(updateTargetSchema, input);
  const { actor, clock, sealer } = context;
  const signingSecret = await withFreeName(() =>
    transact(context, async (transaction) => {
      const before = await lockTarget(transaction, id);
      const changed = settings ? changeSettings(sealer, before, settings) : null;
      const disabledAt = disabled === undefined ? undefined : disabled ? (before.disabledAt ?? clock()) : null;
      const after = await transaction.notificationTarget.update({
        where: { id },
        data: {
          name,
          filter,
          disabledAt,
          updatedAt: clock(),
          updatedByName: actor.name,
          // Another receiver has not asked to be left alone.
          ...(changed
            ? { config: changed.config, sealedSecrets: sealSecrets(sealer, id, changed.secrets), heldUntil: null }
            : {}),
        },
      });
      await writeAudit(transaction, context, {
        ...about("update", before),
        before: auditedFields(before),
        after: { ...auditedFields(after), ...(changed ? { secrets: "entered anew or kept" } : {}) },
      });
      return changed?.signingSecret ?? null;
    }),
  );
  return { target: await getTarget(context, id), signingSecret };
}

/** Gives a webhook target a new signing secret; administrators only. The one before signs too for 24 hours. */
export async function rotateSigningSecret(context: SealingContext, id: string): Promise<TargetWithSecret> {
  authorise(context, "admin", "rotate signing secrets");
  const signingSecret = makeSigningSecret();
  const until = new Date(context.clock().getTime() + replacedSecretValidMs).toISOString();
  await transact(context, async (transaction) => {
    const target = await lockTarget(transaction, id);
    if (target.kind !== "webhook") throw new DomainError("precondition-failed", "Only a webhook has a signing secret.");
    const secrets = findSecrets(context.sealer, target);
    if (!secrets)
      throw new DomainError("precondition-failed", "Its secrets do not open with the present key: enter its address anew.");
    const replaced = secrets.signing?.find((one) => one.until === null);
    const signing = [{ secret: signingSecret, until: null }, ...(replaced ? [{ secret: replaced.secret, until }] : [])];
    await transaction.notificationTarget.update({
      where: { id },
      data: { sealedSecrets: sealSecrets(context.sealer, id, { ...secrets, signing }) },
    });
    await writeAudit(transaction, context, { ...about("rotate-secret", target), after: { previousSignsUntil: until } });
  });
  return { target: await getTarget(context, id), signingSecret };
}

/** Removes a target with all that waits for it and its log; administrators only. */
export async function removeTarget(context: Context, id: string): Promise<void> {
  authorise(context, "admin", "remove notification targets");
  const { db, clock } = context;
  await transact(context, async (transaction) => {
    const { disabledAt } = await lockTarget(transaction, id);
    if (!disabledAt) await transaction.notificationTarget.update({ where: { id }, data: { disabledAt: clock() } });
  });
  // The log of 30 days goes before the row: alerts are not stored while a target is being deleted.
  await translateDatabaseErrors(() => deleteLog(db, id));
  await transact(context, async (transaction) => {
    const target = await lockTarget(transaction, id);
    await transaction.notificationTarget.delete({ where: { id } });
    await writeAudit(transaction, context, { ...about("remove", target), before: auditedFields(target) });
  });
}

async function deleteLog(db: Context["db"], targetId: string): Promise<void> {
  for (;;) {
    const count = await db.$executeRaw`
      DELETE FROM notification_deliveries WHERE id IN (
        SELECT id FROM notification_deliveries WHERE target_id = ${targetId}::uuid LIMIT ${rowsADelete})`;
    if (count < rowsADelete) return;
  }
}

async function lockTarget(transaction: Transaction, id: string): Promise<NotificationTarget> {
  parseId(id, "notification target");
  await transaction.$queryRaw`SELECT 1 FROM notification_targets WHERE id = ${id}::uuid FOR NO KEY UPDATE`;
  const target = await transaction.notificationTarget.findUnique({ where: { id } });
  if (!target) throw new DomainError("not-found", "There is no notification target with this id.");
  return target;
}

async function withFreeName<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new DomainError("invalid-input", "This name is taken.", { fields: { name: ["This name is taken."] } });
  }
}

function about(verb: string, { id, name }: NotificationTarget) {
  return { verb, targetKind: "notification-target", targetName: name, targetUid: id, outcome: "succeeded" } as const;
}

function auditedFields(target: NotificationTarget) {
  const { name, kind, filter, disabledAt } = target;
  return { name, kind, settings: describeSettings(target), filter: filter as object, disabled: disabledAt !== null };
}
