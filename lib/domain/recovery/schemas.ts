import { z } from "zod";
import { type ServiceRef, serviceRefSchema } from "../fleet/schemas.ts";

/** What can be lost and brought back: one service, or Switchyard itself. */
export type Subject = { kind: "service"; ref: ServiceRef } | { kind: "switchyard" };

const ownName = "switchyard";

/** "fleet/relay" or "switchyard": how a subject stands in tables, addresses and storage keys. */
export function subjectName(subject: Subject): string {
  return subject.kind === "switchyard" ? ownName : `${subject.ref.namespace}/${subject.ref.name}`;
}

/** The other way round; for input. */
export const subjectSchema = z
  .string("Name the service as NAMESPACE/NAME, or switchyard.")
  .transform((text, context): Subject => {
    if (text === ownName) return { kind: "switchyard" };
    const [namespace, name, ...rest] = text.split("/");
    const parsed = serviceRefSchema.safeParse({ namespace, name });
    if (parsed.success && rest.length === 0) return { kind: "service", ref: parsed.data };
    context.addIssue({ code: "custom", message: "Name the service as NAMESPACE/NAME, or switchyard." });
    return z.NEVER;
  });

/** The namespace and service columns of a subject's rows. */
export function subjectColumns(subject: Subject): { subject: string; namespace: string | null; service: string | null } {
  const { namespace = null, name = null } = subject.kind === "service" ? subject.ref : {};
  return { subject: subjectName(subject), namespace, service: name };
}

/** The guides' scenarios of disaster recovery, and two that Switchyard adds: a bad release and the loss of the control plane. */
export const scenarios = ["instance", "node", "redis", "database", "region", "hub", "bad-release", "control-plane"] as const;
export type Scenario = (typeof scenarios)[number];

/** How long a scenario may keep a service away, and how much it may take along. Seconds. */
export type Objective = { rtoSeconds: number; rpoSeconds: number };

/** One question about what was restored: what the manifest says, and what was found. */
export type RecoveryCheck = { name: string; wanted: string; found: string; passed: boolean };
