import { z } from "zod";

export const rolloutStates = ["progressing", "paused", "complete", "failed", "superseded"] as const;
export type RolloutState = (typeof rolloutStates)[number];

export const listRolloutsSchema = z.object({
  namespace: z.string().optional(),
  service: z.string().optional(),
  state: z.enum(rolloutStates).optional(),
  cursor: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type ListRolloutsInput = z.infer<typeof listRolloutsSchema>;

export type RolloutView = {
  id: string;
  namespace: string;
  service: string;
  change: "scale" | "restart" | "image" | "rollback";
  fromRevision: number | null;
  toRevision: number | null;
  fromVersion: string | null;
  toVersion: string | null;
  fromReplicas: number | null;
  toReplicas: number | null;
  state: RolloutState;
  message: string;
  actor: string;
  reason: string | null;
  auditId: string;
  startedAt: string;
  finishedAt: string | null;
};

export type Page<T> = { items: T[]; nextCursor: string | null };
