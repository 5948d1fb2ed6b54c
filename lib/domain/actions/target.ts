import type { TemplateRevision, Workload } from "#lib/kubernetes/objects.ts";
import { describeLimits, findAutoscaler, limitsOf } from "../autoscaling/owner.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { fetchRevisions, fetchWorkload } from "../fleet/fresh.ts";
import { kindLabel, type ServiceRef } from "../fleet/schemas.ts";
import { findCurrentRevision, isManaged } from "../fleet/template.ts";

/** What an action works on, read afresh. */
export type Target = { workload: Workload; revisions: TemplateRevision[]; templateHash: string };

/** Reads a managed service's workload and its history; throws not-found. */
export async function readTarget({ kubernetes }: Pick<Context, "kubernetes">, ref: ServiceRef): Promise<Target> {
  const workload = await fetchWorkload(kubernetes, ref);
  if (!isManaged(workload)) {
    throw new DomainError(
      "not-found",
      `${ref.namespace}/${ref.name} is not managed by Switchyard: it has no label ${kindLabel}.`,
    );
  }
  const revisions = await fetchRevisions(kubernetes, workload);
  return { workload, revisions, templateHash: findCurrentRevision(workload, revisions)?.hash ?? "" };
}

/** Refuses (precondition-failed) when an autoscaler owns the number of instances: it would undo a manual scale. */
export async function refuseAutoscaled({ kubernetes }: Pick<Context, "kubernetes">, workload: Workload): Promise<void> {
  const owner = await findAutoscaler(kubernetes, workload);
  if (!owner) return;
  throw new DomainError(
    "precondition-failed",
    `The autoscaler ${owner.metadata.name} sets the number of instances (${describeLimits(limitsOf(owner))}) and would undo this. Change its limits for a time instead.`,
  );
}
