import type { ActionVerb } from "#lib/domain/actions/schemas.ts";
import type { Service } from "#lib/domain/fleet/schemas.ts";
import { mitigationsOf } from "./mitigations.ts";

/** An action that a sentence in the palette asks for, with what it fills in. */
export type Wish = { verb: ActionVerb; service: Service; replicas?: number; image?: string; toRevision?: number };

const opening =
  /^(scale|restart|pause|resume|roll ?back|undo|set image|image|deploy|update|open breaker|close breaker|fail ?over)\s+(\S+)(?:\s+(.*))?$/i;

/**
 * Reads sentences such as "scale relay to 5", "roll back relay to revision 7", "set image relay 2.0.1", "restart hub", "open breaker edge". Gives
 * one wish for every service whose name fits; none when it is not such a sentence.
 */
export function readWishes(text: string, services: Service[]): Wish[] {
  const match = opening.exec(text.trim());
  if (!match) return [];
  const verb = verbOf((match[1] ?? "").toLowerCase());
  const name = (match[2] ?? "").toLowerCase();
  const rest = (match[3] ?? "").replace(/^(to|=)\s*/i, "").trim();
  return matching(services, name).flatMap((service): Wish[] => {
    if (isOfSome(verb)) return mitigationsOf(service).some((one) => one.verb === verb) && rest === "" ? [{ verb, service }] : [];
    if (verb === "scale") {
      const replicas = /^\d{1,4}$/.test(rest) ? Number(rest) : undefined;
      return rest !== "" && replicas === undefined ? [] : [{ verb, service, replicas }];
    }
    if (verb === "rollback") {
      const revision = /^(?:revision\s+|r)?(\d{1,6})$/i.exec(rest)?.[1];
      return rest !== "" && revision === undefined
        ? []
        : [{ verb, service, toRevision: revision ? Number(revision) : undefined }];
    }
    if (verb === "image") return [{ verb, service, image: rest === "" ? undefined : imageOf(service, rest) }];
    return rest === "" ? [{ verb, service }] : [];
  });
}

/** Only some services have it. */
function isOfSome(verb: ActionVerb): boolean {
  return verb === "open-breaker" || verb === "close-breaker" || verb === "fail-over";
}

function verbOf(word: string): ActionVerb {
  if (word === "scale" || word === "restart" || word === "pause" || word === "resume") return word;
  if (word === "open breaker") return "open-breaker";
  if (word === "close breaker") return "close-breaker";
  if (word.startsWith("fail")) return "fail-over";
  return word.startsWith("roll") || word === "undo" ? "rollback" : "image";
}

function matching(services: Service[], name: string): Service[] {
  const exact = services.filter((service) => service.name === name || service.id === name);
  return exact.length > 0 ? exact : services.filter((service) => service.name.startsWith(name));
}

/** A bare tag goes onto the present image's name. */
function imageOf(service: Service, text: string): string {
  return /[/:@]/.test(text) ? text : `${service.image.replace(/(@[^/]*|:[^/:]*)$/, "")}:${text}`;
}

/** A backup or a drill that a sentence in the palette asks for. */
export type RecoveryWish = { kind: "back-up" | "drill"; subject: string };

/** Reads "back up relay" and "drill relay", also of Switchyard itself. Gives one wish for every subject whose name fits. */
export function readRecoveryWishes(text: string, services: Service[]): RecoveryWish[] {
  const match = /^(back ?up|drill)\s+(\S+)$/i.exec(text.trim());
  if (!match) return [];
  const kind = match[1]?.toLowerCase() === "drill" ? "drill" : "back-up";
  const name = (match[2] ?? "").toLowerCase();
  const found = matching(services, name).map(({ id }) => id);
  const subjects = "switchyard".startsWith(name) ? [...found, "switchyard"] : found;
  return subjects.map((subject) => ({ kind, subject }));
}
