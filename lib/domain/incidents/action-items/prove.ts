import { readRules } from "../../alerts/rules.ts";
import type { Context } from "../../context.ts";
import { proveByRestore } from "../../recovery/backups/restore-proof.ts";
import { proveByDrill } from "../../recovery/drills/proof.ts";
import { testRule } from "./rule-test.ts";
import type { Proof, ProofResult } from "./schemas.ts";

/** What a proof is about. */
export type ProvenIncident = {
  impactStartedAt: Date;
  mitigatedAt: Date | null;
  resolvedAt: Date | null;
  services: { namespace: string; service: string }[];
};

/** Runs a proof. Never throws for what it finds: what cannot be known is unknown, which proves nothing. */
export async function runProof(context: Context, proof: Proof, incident: ProvenIncident): Promise<ProofResult> {
  const at = context.clock().toISOString();
  if (proof.kind === "drill") return { ...(await proveByDrill(context.db, proof.drill, incident)), at };
  if (proof.kind === "restore") return { ...(await proveByRestore(context, proof.backup, incident)), at };
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
