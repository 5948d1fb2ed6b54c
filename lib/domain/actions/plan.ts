import { createHash } from "node:crypto";
import { type Container, type JsonPatch, pointerPart, type TemplateRevision, type Workload } from "#lib/kubernetes/objects.ts";
import { DomainError } from "../errors.ts";
import { mainContainer, versionOf } from "../fleet/image.ts";
import { canonicalTemplate, presentRevision } from "../fleet/template.ts";
import { findRevision, isSameTemplate, rollbackPatch } from "./rollback.ts";
import type { ActionInput, ActionVerb, BreakerVerb } from "./schemas.ts";
import type { Target } from "./target.ts";

/** An action with its input. */
export type Action = { [V in ActionVerb]: { verb: V; input: ActionInput<V> } }[ActionVerb];
/** One that is written to the workload. */
export type WorkloadAction = Extract<Action, { verb: Exclude<ActionVerb, BreakerVerb> }>;

/** The values of a workload that an action may change, as the audit keeps them: enough to tell later whether it was written. */
export type Snapshot = {
  generation: number;
  revision: number | null;
  version: string;
  replicas: number;
  paused: boolean;
  images: Record<string, string>;
  restartedAt: string | null;
  /** SHA-256 of the pod template, the hash label ignored. */
  template: string;
};

/** What an action will write, and nothing more. */
export type Plan = {
  patch: JsonPatch;
  /** Set when there is nothing to write; a sentence. */
  nothingToDo: string | null;
  /** The values that the action means to set. */
  intended: Partial<Snapshot> & { toRevision?: number; breakers?: "open" | "closed"; database?: string };
};

export const restartedAtAnnotation = "kubectl.kubernetes.io/restartedAt";

/** Plans an action on what was just read. Throws precondition-failed where kubectl refuses. */
export function planAction(action: WorkloadAction, target: Target, now: Date): Plan {
  const { workload } = target;
  switch (action.verb) {
    case "scale":
      return planScale(workload, action.input.replicas);
    case "restart":
    case "fail-over":
      return planRestart(workload, now);
    case "image":
      return planImage(workload, action.input.container, action.input.image);
    case "pause":
      return planPause(workload);
    case "resume":
      return planResume(workload);
    case "rollback":
      return planRollback(target, action.input.toRevision);
  }
}

function planScale({ spec }: Workload, replicas: number): Plan {
  const isThere = spec.replicas === replicas;
  return {
    patch: [{ op: "add", path: "/spec/replicas", value: replicas }],
    nothingToDo: isThere ? `It is at ${replicas} already.` : null,
    intended: { replicas },
  };
}

function planRestart({ metadata, spec }: Workload, now: Date): Plan {
  if (spec.paused) refuse(`${metadata.name} is paused and cannot be restarted; resume it first.`);
  // RFC 3339 in whole seconds, as kubectl writes it.
  const restartedAt = now.toISOString().replace(/\.\d+Z$/, "Z");
  const path = "/spec/template/metadata/annotations";
  const patch: JsonPatch = spec.template.metadata?.annotations
    ? [{ op: "add", path: `${path}/${pointerPart(restartedAtAnnotation)}`, value: restartedAt }]
    : [{ op: "add", path, value: { [restartedAtAnnotation]: restartedAt } }];
  return { patch, nothingToDo: null, intended: { restartedAt } };
}

function planImage({ metadata, spec }: Workload, container: string, image: string): Plan {
  const { containers, initContainers = [] } = spec.template.spec;
  const place = findContainer("containers", containers, container) ?? findContainer("initContainers", initContainers, container);
  if (!place) return refuse(`${metadata.name} has no container ${container}.`);
  return {
    patch: [{ op: "add", path: `/spec/template/spec/${place.path}/image`, value: image }],
    nothingToDo: place.container.image === image ? `Container ${container} has this image already.` : null,
    intended: { images: { [container]: image }, version: versionOf(image) },
  };
}

function findContainer(list: string, containers: readonly Container[], name: string) {
  const index = containers.findIndex((container) => container.name === name);
  const container = containers[index];
  return container && { path: `${list}/${index}`, container };
}

function planPause({ kind, metadata, spec }: Workload): Plan {
  if (kind !== "Deployment") refuse(`${metadata.name} is a ${kind}: Kubernetes pauses Deployments only.`);
  if (spec.paused) refuse(`${metadata.name} is paused already.`);
  return { patch: [{ op: "add", path: "/spec/paused", value: true }], nothingToDo: null, intended: { paused: true } };
}

function planResume({ metadata, spec }: Workload): Plan {
  if (!spec.paused) refuse(`${metadata.name} is not paused.`);
  return { patch: [{ op: "remove", path: "/spec/paused" }], nothingToDo: null, intended: { paused: false } };
}

function planRollback({ workload, revisions }: Target, toRevision: number): Plan {
  const { metadata, spec } = workload;
  const revision = findRevision(workload, revisions, toRevision);
  if (spec.paused) refuse(`${metadata.name} is paused and cannot be rolled back; resume it first.`);
  const { template } = revision;
  const number = revision.number ?? toRevision;
  return {
    patch: rollbackPatch(workload, revision),
    nothingToDo: isSameTemplate(workload, revision) ? `The present template is that of revision ${number} already.` : null,
    intended: {
      toRevision: number,
      images: imagesOf(template.spec.containers),
      version: versionOf(mainContainer(template.spec.containers, metadata.name)?.image ?? ""),
      template: digest(canonicalTemplate(template)),
    },
  };
}

/** What a workload is like now. */
export function takeSnapshot(workload: Workload, revisions: readonly TemplateRevision[]): Snapshot {
  const { metadata, spec } = workload;
  const { containers, initContainers = [] } = spec.template.spec;
  return {
    generation: metadata.generation ?? 0,
    revision: presentRevision(workload, revisions),
    version: versionOf(mainContainer(containers, metadata.name)?.image ?? ""),
    replicas: spec.replicas ?? 1,
    paused: spec.paused ?? false,
    images: imagesOf([...initContainers, ...containers]),
    restartedAt: spec.template.metadata?.annotations?.[restartedAtAnnotation] ?? null,
    template: digest(canonicalTemplate(spec.template)),
  };
}

/** Whether a workload has every value that an action meant to set. */
export function isInPlace(intended: Plan["intended"], snapshot: Snapshot): boolean {
  const { toRevision: _, images = {}, version: __, breakers: ___, database: ____, ...values } = intended;
  const sameValues = Object.entries(values).every(([field, value]) => snapshot[field as keyof typeof values] === value);
  return sameValues && Object.entries(images).every(([container, image]) => snapshot.images[container] === image);
}

function imagesOf(containers: readonly Container[]): Record<string, string> {
  return Object.fromEntries(containers.map(({ name, image = "" }) => [name, image]));
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function refuse(message: string): never {
  throw new DomainError("precondition-failed", message);
}
