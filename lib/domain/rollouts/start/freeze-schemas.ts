import { z } from "zod";
import { reasonSchema } from "../../actions/schemas.ts";
import { serviceRefSchema } from "../../fleet/schemas.ts";

export const freezeStates = ["active", "upcoming", "ended", "cancelled"] as const;
export type FreezeState = (typeof freezeStates)[number];

/** POST /api/freeze-windows */
export const createFreezeSchema = z
  .object({
    /** null: all services of the cluster. */
    namespace: serviceRefSchema.shape.namespace.nullable().default(null),
    /** null: all services of the namespace. */
    service: serviceRefSchema.shape.name.nullable().default(null),
    startsAt: z.iso
      .datetime({ offset: true, error: "Give a time such as 2026-12-24T12:00:00Z." })
      .transform((text) => new Date(text)),
    endsAt: z.iso
      .datetime({ offset: true, error: "Give a time such as 2026-12-27T06:00:00Z." })
      .transform((text) => new Date(text)),
    reason: reasonSchema,
  })
  .refine(({ namespace, service }) => service === null || namespace !== null, {
    path: ["namespace"],
    error: "Name the service's namespace.",
  })
  .refine(({ startsAt, endsAt }) => startsAt < endsAt, { path: ["endsAt"], error: "It must end after it starts." })
  .refine(({ startsAt, endsAt }) => endsAt.getTime() - startsAt.getTime() <= 366 * 86_400_000, {
    path: ["endsAt"],
    error: "A freeze lasts at most a year.",
  });
export type CreateFreezeInput = z.input<typeof createFreezeSchema>;

/** DELETE /api/freeze-windows/:id */
export const cancelFreezeSchema = z.object({ reason: reasonSchema });

export const listFreezesSchema = z.object({
  state: z.enum(freezeStates).optional(),
  namespace: z.string().optional(),
  service: z.string().optional(),
  cursor: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type ListFreezesInput = z.input<typeof listFreezesSchema>;

/** A time in which no rollout may begin. Times are ISO 8601 in UTC. */
export type FreezeWindowView = {
  id: string;
  namespace: string | null;
  service: string | null;
  startsAt: string;
  endsAt: string;
  reason: string;
  state: FreezeState;
  createdAt: string;
  createdBy: string;
  cancelledAt: string | null;
  cancelledBy: string | null;
};
