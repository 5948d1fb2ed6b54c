import { z } from "zod";

export const outcomes = ["pending", "succeeded", "failed", "refused"] as const;

export const listAuditSchema = z.object({
  actor: z.string().optional(),
  verb: z.string().optional(),
  outcome: z.enum(outcomes).optional(),
  namespace: z.string().optional(),
  target: z.string().optional(),
  /** Found in target, reason, verb or actor. */
  search: z.string().max(200).optional(),
  from: z.iso.datetime().optional(),
  to: z.iso.datetime().optional(),
  cursor: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type ListAuditInput = z.infer<typeof listAuditSchema>;

export type AuditView = {
  id: string;
  at: string;
  actorKind: "user" | "token" | "system" | "external";
  actor: string;
  verb: string;
  targetKind: string;
  targetNamespace: string | null;
  target: string;
  before: unknown;
  after: unknown;
  reason: string | null;
  outcome: (typeof outcomes)[number];
  error: { code: string; message: string } | null;
  requestId: string;
  rolloutId: string | null;
  settledAt: string | null;
};
