import { writeAudit } from "../audit.ts";
import { authorise, type ConsoleContext, transact } from "../context.ts";
import { DomainError } from "../errors.ts";
import { type ServiceRef, serviceRefSchema } from "../fleet/schemas.ts";
import { parseInput } from "../validation.ts";
import { clearObjectiveSchema, type Objective, setObjectiveSchema } from "./schemas.ts";

/** Holds a service to objectives; they come before those of its annotations. Operators and administrators. */
export async function setObjective(context: ConsoleContext, ref: unknown, input: unknown): Promise<Objective> {
  authorise(context, "operator", "set objectives");
  const { namespace, name: service } = findService(context, ref);
  const { objective, reason } = parseInput(setObjectiveSchema, input);
  const row = { ...objective, updatedAt: context.clock(), updatedByName: context.actor.name };
  return transact(context, async (transaction) => {
    const where = { namespace_service: { namespace, service } };
    const before = await transaction.serviceObjective.findUnique({ where });
    await transaction.serviceObjective.upsert({ where, create: { namespace, service, ...row }, update: row });
    await writeAudit(transaction, context, {
      verb: "set",
      targetKind: "objectives",
      targetNamespace: namespace,
      targetName: service,
      before: before && audited(before),
      after: objective,
      reason,
      outcome: "succeeded",
    });
    return objective;
  });
}

/** Forgets what was set in the page: the annotations count again. */
export async function clearObjective(context: ConsoleContext, ref: unknown, input: unknown): Promise<void> {
  authorise(context, "operator", "remove objectives");
  const { namespace, name: service } = parseInput(serviceRefSchema, ref);
  const { reason } = parseInput(clearObjectiveSchema, input);
  await transact(context, async (transaction) => {
    const before = await transaction.serviceObjective.findUnique({ where: { namespace_service: { namespace, service } } });
    if (!before) throw new DomainError("not-found", `No objectives were set for ${namespace}/${service} in the page.`);
    await transaction.serviceObjective.delete({ where: { namespace_service: { namespace, service } } });
    await writeAudit(transaction, context, {
      verb: "clear",
      targetKind: "objectives",
      targetNamespace: namespace,
      targetName: service,
      before: audited(before),
      reason,
      outcome: "succeeded",
    });
  });
}

function findService(context: ConsoleContext, ref: unknown): ServiceRef {
  const service = parseInput(serviceRefSchema, ref);
  const id = `${service.namespace}/${service.name}`;
  if (context.fleet.findKind(id) === null) {
    throw new DomainError("not-found", `The cluster has no service ${id}; objectives are kept for managed services only.`);
  }
  return service;
}

function audited({ availability, latencyRatio, latencySeconds, windowDays }: Objective): Objective {
  return { availability, latencyRatio, latencySeconds, windowDays };
}
