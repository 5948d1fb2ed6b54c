import { type ChangedField, DomainError } from "../errors.ts";
import { mainContainer, versionOf } from "../fleet/image.ts";
import type { Target } from "./target.ts";

/** What the person saw; of the last three each action carries the one that it depends on. */
export type Seen = { uid: string; templateHash?: string; replicas?: number; paused?: boolean };

/** Every field in which the target differs from what the person saw. */
export function findChanges(seen: Seen, target: Target): ChangedField[] {
  const { workload, templateHash } = target;
  const { metadata, spec } = workload;
  if (seen.uid !== metadata.uid) return [{ field: "workload", seen: "the one on the page", now: "another one of the same name" }];
  const changed: ChangedField[] = [];
  if (seen.templateHash !== undefined && seen.templateHash !== templateHash) {
    changed.push({
      field: "revision",
      seen: describeTemplate(seen.templateHash, target),
      now: describeTemplate(templateHash, target),
    });
  }
  const replicas = spec.replicas ?? 1;
  if (seen.replicas !== undefined && seen.replicas !== replicas) {
    changed.push({ field: "replicas", seen: String(seen.replicas), now: String(replicas) });
  }
  const paused = spec.paused ?? false;
  if (seen.paused !== undefined && seen.paused !== paused) {
    changed.push({ field: "paused", seen: yesNo(seen.paused), now: yesNo(paused) });
  }
  return changed;
}

/** Throws stale, with what changed, unless everything is as the person saw it. */
export function requireFresh(seen: Seen, target: Target): void {
  const changed = findChanges(seen, target);
  if (changed.length === 0) return;
  const what = changed.map(({ field, seen: before, now }) => `${field} was ${before} and is now ${now}`).join("; ");
  throw new DomainError("stale", `Nothing was done, because the service has changed since you looked: ${what}.`, { changed });
}

function describeTemplate(hash: string, { workload, revisions }: Target): string {
  const revision = revisions.find((one) => one.hash === hash);
  if (!revision) return hash === "" ? "not yet numbered" : `a template that is gone (${hash})`;
  const image = mainContainer(revision.template.spec.containers, workload.metadata.name)?.image ?? "";
  return `${revision.number ?? "unnumbered"} (${versionOf(image)})`;
}

function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}
