import type { z } from "zod";
import type { Database } from "#lib/database/client.ts";
import { toJson } from "#lib/database/storable.ts";
import { writeAudit } from "./audit.ts";
import { authorise, type Context, type Transaction, transact, translateDatabaseErrors } from "./context.ts";
import { parseInput } from "./validation.ts";

type Definition<S extends z.ZodObject> = {
  /** "incidents.escalation": how the table and the audit name it. */
  key: string;
  schema: S;
  /** Its value until somebody sets one. */
  initial: z.output<S>;
  /** Completes "You may not see ..." and "You may not change ...". */
  what: string;
};

/** A setting of the installation: everybody sees it, administrators change it, and each change is audited. */
export type Setting<T> = {
  get: (context: Context) => Promise<T>;
  /** Throws invalid-input. */
  set: (context: Context, input: unknown) => Promise<T>;
  /** The value as it is, for those who act by it. Never throws over what is stored: see `fitStored`. */
  read: (db: Pick<Database | Transaction, "setting">) => Promise<T>;
  /** Writes what an installation begins with; what is stored already stays. */
  ensure: (db: Pick<Database, "setting">, value: T, now: Date) => Promise<void>;
};

/** Defines a setting that is kept in the table of settings under its key. */
export function defineSetting<S extends z.ZodObject>({ key, schema, initial, what }: Definition<S>): Setting<z.output<S>> {
  type Value = z.output<S>;
  async function read(db: Pick<Database | Transaction, "setting">): Promise<Value> {
    const row = await db.setting.findUnique({ where: { key }, select: { value: true } });
    return row ? fitStored(schema, row.value, initial) : initial;
  }
  return {
    read,
    async get(context) {
      authorise(context, "viewer", `see ${what}`);
      return translateDatabaseErrors(() => read(context.db));
    },
    async set(context, input) {
      authorise(context, "admin", `change ${what}`);
      const after = parseInput(schema, input);
      await transact(context, async (transaction) => {
        await transaction.$executeRaw`SELECT pg_advisory_xact_lock(hashtext(${`settings.${key}`}))`;
        const before = await read(transaction);
        const row = { value: toJson(after), updatedAt: context.clock(), updatedByName: context.actor.name };
        await transaction.setting.upsert({ where: { key }, create: { key, ...row }, update: row });
        const audited = { verb: "update", targetKind: "setting", targetName: key, outcome: "succeeded" } as const;
        await writeAudit(transaction, context, { ...audited, before: toJson(before), after: toJson(after) });
      });
      return after;
    },
    async ensure(db, value, now) {
      const row = { key, value: toJson(value), updatedAt: now, updatedByName: "Switchyard" };
      await db.setting.createMany({ data: [row], skipDuplicates: true });
    },
  };
}

/**
 * A stored value under today's schema: what another version of Switchyard did not know of has its initial value, and one that does not
 * fit at all counts as not set, so that no loop ends over it.
 */
export function fitStored<S extends z.ZodObject>(schema: S, stored: unknown, initial: z.output<S>): z.output<S> {
  for (const candidate of [stored, complete(stored, initial)]) {
    const parsed = schema.safeParse(candidate);
    if (parsed.success) return parsed.data;
  }
  return initial;
}

function complete(stored: unknown, initial: unknown): unknown {
  if (!isRecord(stored) || !isRecord(initial)) return stored === undefined ? initial : stored;
  const names = new Set([...Object.keys(initial), ...Object.keys(stored)]);
  return Object.fromEntries([...names].map((name) => [name, complete(stored[name], initial[name])]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
