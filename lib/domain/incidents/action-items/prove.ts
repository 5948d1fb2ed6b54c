import { readRules } from "../../alerts/rules.ts";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { testRule } from "./rule-test.ts";
import { type Proof, type ProofResult, proofInfos } from "./schemas.ts";

/** What a proof is about. */
export type ProvenIncident = {
  impactStartedAt: Date;
  mitigatedAt: Date | null;
  resolvedAt: Date | null;
  services: { namespace: string; service: string }[];
};

/** Refuses (precondition-failed) a proof that Switchyard cannot carry out yet. */
export function refuseMissingProof(proof: Proof | null | undefined): void {
  const missing = proof ? proofInfos[proof.kind].missing : null;
  if (missing === null) return;
  throw new DomainError("precondition-failed", `${missing} Name an alert rule test, or no proof for now.`, {
    fields: { proof: [missing] },
  });
}

/** Runs a proof. Never throws for what it finds: what cannot be known is unknown, which proves nothing. */
export async function runProof(context: Context, proof: Proof, incident: ProvenIncident): Promise<ProofResult> {
  const at = context.clock().toISOString();
  if (proof.kind !== "alert-rule") {
    return { verdict: "unknown", message: proofInfos[proof.kind].missing ?? "It cannot be run.", at };
  }
  const { items, problem } = await readRules(context);
  if (problem !== null) return { verdict: "unknown", message: problem, at };
  const rules = items.filter(({ type }) => type === "alerting");
  const { impactStartedAt, mitigatedAt, resolvedAt, services } = incident;
  const judged = await testRule(context.prometheus, rules, {
    rule: proof.rule,
    withinSeconds: proof.withinSeconds,
    impactStartedAt,
    endedAt: mitigatedAt ?? resolvedAt ?? context.clock(),
    services: services.map(({ namespace, service }) => `${namespace}/${service}`),
  });
  return { ...judged, at };
}
