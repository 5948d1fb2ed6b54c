import type { Prisma } from "#lib/database/client.ts";
import type { Drill } from "#lib/database/generated/client.ts";
import { toJson } from "#lib/database/storable.ts";
import { type Context, transact } from "../../context.ts";
import type { DrillRun } from "./run.ts";

/** Somebody else has written the drill since it was read: what was to be written is not, and the next pass sees why. */
export class Overtaken extends Error {
  override readonly name = "Overtaken";
}

export type DrillNews = { kind: string; message: string };

type Change = { run?: DrillRun; data?: Prisma.DrillUncheckedUpdateManyInput; events?: DrillNews[] };

/** Writes a drill over the version that was read, with what happened. Returns it as it is then. Throws Overtaken. */
export function storeDrill(
  context: Pick<Context, "db" | "clock">,
  row: Drill,
  { run, data = {}, events = [] }: Change,
): Promise<Drill> {
  const now = context.clock();
  return transact(context, async (transaction) => {
    const { count } = await transaction.drill.updateMany({
      where: { id: row.id, runVersion: row.runVersion },
      data: { ...data, ...(run && { run: toJson(run) }), runVersion: { increment: 1 } },
    });
    if (count === 0) throw new Overtaken();
    await transaction.drillEvent.createMany({ data: events.map((event) => ({ ...event, drillId: row.id, at: now })) });
    return transaction.drill.findUniqueOrThrow({ where: { id: row.id } });
  });
}

export const runOf = ({ run }: Pick<Drill, "run">): DrillRun => run as unknown as DrillRun;
