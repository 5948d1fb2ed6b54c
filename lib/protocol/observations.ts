import { z } from "zod";

const count = z.int().min(0);
/** Unix time in milliseconds, by the prober's clock. */
const instant = z.number();

/**
 * GET /observations?target=relay&since=NUMBER of the prober: what each of its clients saw, one by one, so that somebody else can measure an
 * interruption and what it took along. Numbers of outcomes begin at 0 with each process, which `epoch` names.
 */
export const observationsSchema = z.object({
  epoch: z.uuid(),
  /** When this was answered. */
  at: instant,
  target: z.string(),
  /** Where to go on; more are there already while `isAll` is false. */
  next: count,
  isAll: z.boolean(),
  /** Outcomes since `since` that are not kept any more. */
  forgotten: count,
  /** The ways by which clients are served, and how often each is tried. */
  paths: z.array(z.object({ name: z.string(), intervalMs: z.number().positive() })),
  /** Oldest first: which path (an index), when it ended, how many milliseconds it took, and 1 when it succeeded, else 0. */
  outcomes: z.array(z.tuple([count, instant, z.number(), z.union([z.literal(0), z.literal(1)])])),
  ledger: z.object({
    /** Writes that were acknowledged, and what became of them, since the process began. */
    acknowledged: count,
    lost: count,
    duplicated: count,
    reordered: count,
    lastAcknowledgedAt: instant.nullable(),
    /** Acknowledged and neither seen by the other side nor known to be lost yet. */
    unsettled: count,
    oldestUnsettledAt: instant.nullable(),
    /** When those of the lost that are newest (10,000 at most) had been acknowledged, and when it was found. */
    losses: z.array(z.tuple([instant, instant])),
  }),
});

export type ObservationsPage = z.output<typeof observationsSchema>;
