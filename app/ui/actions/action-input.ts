import type { ActionValues } from "#lib/client/action-texts.ts";
import { type ActionInput, type ActionVerb, actionSchemas } from "#lib/domain/actions/schemas.ts";
import type { Service } from "#lib/domain/fleet/schemas.ts";

/** What a dialog is filled in with when it opens. */
export function initialValues(service: Service, given: Partial<ActionValues> = {}): ActionValues {
  return {
    replicas: given.replicas ?? service.desired,
    container: given.container || service.container,
    image: given.image || service.image,
    toRevision: given.toRevision ?? 0,
  };
}

/** The request's body: what is wanted, why, and what of the service the person saw. */
export function actionInput(verb: ActionVerb, values: ActionValues, reason: string, seen: Service): ActionInput {
  const seenTemplate = { uid: seen.uid, templateHash: seen.templateHash };
  switch (verb) {
    case "scale":
      return { replicas: values.replicas ?? Number.NaN, reason, seen: { uid: seen.uid, replicas: seen.desired } };
    case "restart":
    case "fail-over":
      return { reason, seen: seenTemplate };
    case "open-breaker":
    case "close-breaker":
      return { reason, seen: { uid: seen.uid } };
    case "image":
      return { container: values.container, image: values.image.trim(), reason, seen: seenTemplate };
    case "pause":
    case "resume":
      return { reason, seen: { uid: seen.uid, paused: seen.paused } };
    case "rollback":
      return { toRevision: values.toRevision, reason, seen: seenTemplate };
  }
}

/** What is wrong with an input by the first part of each field's path; null when nothing is. */
export function inputErrors(verb: ActionVerb, input: ActionInput): Record<string, string[]> | null {
  const parsed = actionSchemas[verb].safeParse(input);
  if (parsed.success) return null;
  const errors: Record<string, string[]> = {};
  for (const issue of parsed.error.issues) {
    const field = String(issue.path[0] ?? "");
    errors[field] = [...(errors[field] ?? []), issue.message];
  }
  return errors;
}

/** The fields of a service that an action carries as seen; when they differ the server refuses it as stale. */
export function hasMovedOn(verb: ActionVerb, seen: Service, now: Service): boolean {
  if (seen.uid !== now.uid) return true;
  if (verb === "scale") return seen.desired !== now.desired;
  if (verb === "open-breaker" || verb === "close-breaker") return false;
  if (verb === "pause" || verb === "resume") return seen.paused !== now.paused;
  return seen.templateHash !== now.templateHash;
}
