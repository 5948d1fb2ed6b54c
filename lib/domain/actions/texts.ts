import type { Plan, Snapshot } from "./plan.ts";
import type { ActionVerb, FieldChange } from "./schemas.ts";

/** The sentence that answers an action that was carried out. */
export function describeResult(verb: ActionVerb, service: string, intended: Plan["intended"]): string {
  switch (verb) {
    case "scale":
      return `${service} is being scaled to ${intended.replicas}.`;
    case "restart":
      return `${service} is being restarted, one instance after the other.`;
    case "image":
      return `${service} is being rolled out with ${Object.values(intended.images ?? {}).join(", ")}.`;
    case "pause":
      return `${service} is paused: changes of its template wait until it is resumed.`;
    case "resume":
      return `${service} is resumed.`;
    case "rollback":
      return `${service} is being rolled back to revision ${intended.toRevision}.`;
    case "open-breaker":
    case "close-breaker":
      return `The circuit breaker of ${service} is ${intended.breakers}.`;
    case "fail-over":
      return `${service} is being restarted on its replica ${intended.database}, which is the primary now.`;
  }
}

/** What differs between two states of a workload, a line a field. */
export function listChanges(before: Snapshot, after: Snapshot): FieldChange[] {
  const containers = new Set([...Object.keys(before.images), ...Object.keys(after.images)]);
  const lines: FieldChange[] = [
    { field: "replicas", before: String(before.replicas), after: String(after.replicas) },
    { field: "paused", before: before.paused ? "yes" : "no", after: after.paused ? "yes" : "no" },
    ...[...containers].map((name) => ({
      field: `image of ${name}`,
      before: before.images[name] ?? null,
      after: after.images[name] ?? null,
    })),
    { field: "restarted at", before: before.restartedAt, after: after.restartedAt },
  ];
  const changed = lines.filter((line) => line.before !== line.after);
  if (changed.length === 0 && before.template !== after.template)
    return [{ field: "pod template", before: "present", after: "changed" }];
  return changed;
}

/** What a person would wrongly expect to change, too. */
export function listUnchanged(verb: ActionVerb, { replicas, version, images }: Snapshot): string[] {
  const stays = `The number of instances stays ${replicas}.`;
  switch (verb) {
    case "scale":
      return [`Version ${version} and the rest of the template stay as they are.`];
    case "restart":
      return [stays, `Version ${version} stays; ConfigMaps and Secrets are read anew by the new instances.`];
    case "image":
      return Object.keys(images).length > 1 ? [stays, "The other containers keep their images."] : [stays];
    case "pause":
      return ["Running instances go on, and scaling still works."];
    case "resume":
      return [stays];
    case "rollback":
      return [
        `${stays} A rollback does not restore an earlier number.`,
        "ConfigMaps and Secrets that the template names keep their present content.",
        "The restored template gets a new revision number.",
        "kubectl's last-applied annotation stays: a later `kubectl apply` of the newer manifest undoes the rollback.",
      ];
    case "open-breaker":
      return [stays, "Instances that start later begin with a breaker that is not held: a restart or a rollout ends this."];
    case "close-breaker":
      return [stays, "It opens by itself again after five failures in a row."];
    case "fail-over":
      return [
        `${stays} Version ${version} stays.`,
        "The former primary is not stopped, and does not come back as a standby by itself.",
        "Other services that use the same database keep their present address.",
      ];
  }
}

/** Who notices, as far as it was measured. */
export function listAffected(verb: ActionVerb, before: Snapshot, after: Snapshot, connections: number | null): string[] {
  if (connections === null || connections === 0) return [];
  const count = `${connections} live ${connections === 1 ? "connection" : "connections"}`;
  if (verb === "restart" || verb === "image" || verb === "rollback" || verb === "fail-over")
    return [`${count}: each is cut once, when its instance is replaced.`];
  if (verb === "scale" && after.replicas < before.replicas && before.replicas > 0) {
    const share = Math.round((connections * (before.replicas - after.replicas)) / before.replicas);
    return [`About ${share} of ${count} are on instances that end.`];
  }
  return [];
}
