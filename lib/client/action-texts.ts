import type { ActionVerb } from "#lib/domain/actions/schemas.ts";
import type { LedgerMark } from "#lib/domain/ledger/schemas.ts";
import type { RolloutView } from "#lib/domain/rollouts/schemas.ts";
import { capital } from "./words.ts";

/** What a dialog asks for beside the reason. */
export type ActionValues = { replicas: number | null; container: string; image: string; toRevision: number };

/** The verb and the object, as the button says it: "Scale relay to 5". */
export function actionSentence(verb: ActionVerb, service: string, values: ActionValues): string {
  switch (verb) {
    case "scale":
      return values.replicas === null ? `Scale ${service}` : `Scale ${service} to ${values.replicas}`;
    case "restart":
      return `Restart ${service}`;
    case "image":
      return `Set image of ${service}${tagOf(values.image)}`;
    case "pause":
      return `Pause ${service}`;
    case "resume":
      return `Resume ${service}`;
    case "open-breaker":
      return `Open the circuit breaker of ${service}`;
    case "close-breaker":
      return `Close the circuit breaker of ${service}`;
    case "fail-over":
      return `Fail ${service} over to its database replica`;
    case "rollback":
      return values.toRevision === 0 ? `Roll back ${service}` : `Roll back ${service} to revision ${values.toRevision}`;
  }
}

function tagOf(image: string): string {
  const tag = /[:@]([^/:@]+)$/.exec(image)?.[1];
  return tag ? ` to ${tag.slice(0, 24)}` : "";
}

/** What a rollout changes, in a few words: "2.0.0 → 2.0.1", "3 → 5 instances". */
export function rolloutChange(rollout: RolloutView): string {
  switch (rollout.change) {
    case "scale":
      return `${rollout.fromReplicas ?? "?"} → ${rollout.toReplicas ?? "?"} instances`;
    case "restart":
      return "all instances";
    case "template":
      return rollout.fromVersion === rollout.toVersion
        ? "settings"
        : `${rollout.fromVersion ?? "?"} → ${rollout.toVersion ?? "?"}`;
    case "image":
      return `${rollout.fromVersion ?? "?"} → ${rollout.toVersion ?? "?"}`;
    case "rollback":
      return `${rollout.fromVersion ?? "?"} → ${rollout.toVersion ?? "?"}${rollout.toRevision === null ? "" : ` (revision ${rollout.toRevision})`}`;
  }
}

export const changeNames: Record<RolloutView["change"], string> = {
  scale: "Scale",
  restart: "Restart",
  image: "Set image",
  rollback: "Roll back",
  template: "Roll out",
};

/** What a rollout does, as a heading: "Set image of relay". */
export function rolloutTitle({ change, service }: Pick<RolloutView, "change" | "service">): string {
  return `${changeNames[change]} ${change === "image" ? "of " : ""}${service}`;
}

/** A verb of the audit as people say it: "scale" or "service.scale" is "Scale", "image" is "Set image". */
export function verbName(verb: string): string {
  const last = verb.split(".").at(-1) ?? verb;
  // An external change of something else than the image: the ledger calls it by what differs.
  if (last === "template") return "Change settings";
  if (last === "rollout") return changeNames.template;
  if (Object.hasOwn(changeNames, last)) return changeNames[last as RolloutView["change"]];
  const text = last
    .replace(/[-_]/g, " ")
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase();
  return capital(text);
}

// What the verb alone does not say well before its object.
const phrases: Record<string, string> = {
  "back-up": "Make",
  "put-back": "Put back as delivered the",
  "rotate-secret": "Rotate the secret of",
  "send-again": "Send again to",
  test: "Send a test to",
  note: "Write a note on",
  "post-update": "Post an update on",
  "change-timeline": "Correct the timeline of",
  check: "Tick the checklist of",
  assign: "Assign people to",
  unassign: "Let people leave",
  link: "Link to",
  unlink: "Take a link from",
  paste: "Paste a picture into",
};

/** Kinds whose targets say what they are: "Backup 5", "DR-1", or the service that is drilled. */
const selfNamed = ["backup", "drill"];

/** An entry of the audit as "Scale relay", "Create user ana": what does not say what it is is named with its kind. */
export function auditWords(entry: { verb: string; targetKind: string }): string {
  if (entry.targetKind === "service") return verbName(entry.verb);
  const phrase = phrases[entry.verb] ?? verbName(entry.verb);
  return selfNamed.includes(entry.targetKind) ? phrase : `${phrase} ${entry.targetKind.replaceAll("-", " ")}`;
}

const actorNotes: Record<LedgerMark["actorKind"], string> = {
  user: "",
  token: " (token)",
  system: " (Switchyard itself)",
  external: " (outside Switchyard)",
};

/** Who did something, for after "by": "ana", "deploy-bot (token)", "kubectl (outside Switchyard)". */
export function actorWords({ actor, actorKind }: Pick<LedgerMark, "actor" | "actorKind">): string {
  // A change that the cluster names nobody for is stored under these words.
  if (actorKind === "external" && actor === "outside Switchyard") return "somebody outside Switchyard";
  return actorKind === "system" && /^switchyard$/i.test(actor) ? actor : `${actor}${actorNotes[actorKind]}`;
}
