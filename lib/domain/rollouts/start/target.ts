import type { PodTemplate, Workload } from "#lib/kubernetes/objects.ts";
import { hashLabels } from "#lib/kubernetes/workloads.ts";
import { DomainError } from "../../errors.ts";
import { canonicalTemplate } from "../../fleet/template.ts";
import { findVersion, nameCopies } from "./config-references.ts";
import type { Change, ConfigCopy } from "./start-schemas.ts";

/** What a rollout brings, as its row keeps it. No value of a Secret is in it: the copies hold those. */
export type RolloutTarget = {
  template: PodTemplate;
  copies: ConfigCopy[];
  before: PodTemplate;
  /** What was asked for, so that it can be applied to a template that changed while the rollout waited. */
  image: { container: string; image: string } | null;
  isWholeTemplate: boolean;
};

/** The template that a change makes of the present one. Throws precondition-failed when it changes nothing. */
export function makeTarget(workload: Workload, change: Change, copies: ConfigCopy[]): RolloutTarget {
  const before = workload.spec.template;
  const image = change.image ?? null;
  const changed = change.template ? withoutClusterFields(change.template) : before;
  const template = nameCopies(image ? withImage(changed, image, workload.metadata.name) : changed, copies);
  if (canonicalTemplate(template) === canonicalTemplate(before)) {
    throw new DomainError(
      "precondition-failed",
      `${workload.metadata.name} has this template already; there is nothing to roll out.`,
    );
  }
  return { template, copies, before, image, isWholeTemplate: change.template !== undefined };
}

/**
 * The same change on a template that may have changed since. Throws precondition-failed when it would take back what others
 * changed meanwhile, or change nothing any more.
 */
export function renewTarget(target: RolloutTarget, workload: Workload): RolloutTarget {
  const present = workload.spec.template;
  if (canonicalTemplate(present) === canonicalTemplate(target.before)) return target;
  const isCopyStale = target.copies.some((copy) => findVersion(present, copy) !== findVersion(target.before, copy));
  if (target.isWholeTemplate || isCopyStale) {
    throw new DomainError(
      "precondition-failed",
      "The service's template changed while this waited, and it would have taken that back; look at it and start again.",
    );
  }
  return makeTarget(workload, { image: target.image ?? undefined, config: [] }, target.copies);
}

function withImage(
  template: PodTemplate,
  { container, image }: { container: string; image: string },
  service: string,
): PodTemplate {
  const changed = structuredClone(template);
  const all = [...changed.spec.containers, ...(changed.spec.initContainers ?? [])];
  const found = all.find(({ name }) => name === container);
  if (!found) throw new DomainError("precondition-failed", `${service} has no container ${container}.`);
  found.image = image;
  return changed;
}

/** A template that was copied from a ReplicaSet or a pod brings along what only the cluster sets. */
function withoutClusterFields(template: PodTemplate): PodTemplate {
  const { creationTimestamp: _, ...metadata } = template.metadata ?? {};
  const labels = Object.entries(metadata.labels ?? {}).filter(([name]) => !hashLabels.some((label) => label === name));
  return { ...template, metadata: { ...metadata, labels: Object.fromEntries(labels) } };
}
