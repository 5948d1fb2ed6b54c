import type { ActionVerb } from "#lib/domain/actions/schemas.ts";
import type { Service } from "#lib/domain/fleet/schemas.ts";

/** What can be done to stop the harm, and why it cannot be done now; null: it can. */
export type Mitigation = { verb: ActionVerb; label: string; refusal: string | null };

/** The guide's mitigations as far as a service has them, the first to think of first. */
export function mitigationsOf(service: Service): Mitigation[] {
  const { breaker, hasReplica } = service.about;
  const all: (Omit<Mitigation, "refusal"> | false)[] = [
    { verb: "rollback", label: "Roll back" },
    { verb: "restart", label: "Restart" },
    { verb: "scale", label: "Scale" },
    breaker !== null && { verb: "open-breaker", label: "Open breaker" },
    breaker !== null && { verb: "close-breaker", label: "Close breaker" },
    hasReplica && { verb: "fail-over", label: "Fail over" },
  ];
  return all.flatMap((one) => (one ? [{ ...one, refusal: refusalOf(one.verb, service) }] : []));
}

/** Why an action cannot be taken on a service as it is; null when it can. */
export function refusalOf(verb: ActionVerb, { name, paused, about }: Service): string | null {
  const isBreaker = verb === "open-breaker" || verb === "close-breaker";
  if (isBreaker && about.breaker === null) return `${name} has no circuit breaker that can be switched from here.`;
  if (verb === "fail-over" && !about.hasReplica) return `No replica of its database is configured for ${name}.`;
  const isWritten = verb === "rollback" || verb === "restart" || verb === "fail-over";
  return paused && isWritten ? `${name} is paused: resume it first.` : null;
}
