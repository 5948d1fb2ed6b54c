import { queryOptions } from "@tanstack/react-query";
import type { z } from "zod";
import type { Coverage } from "#lib/domain/recovery/backups/schemas.ts";
import type { clearObjectiveSchema, Recoverability, setObjectiveSchema } from "#lib/domain/recovery/objectives/schemas.ts";
import { queryString, request } from "./api.ts";

export const recoveryKeys = { all: ["recovery"] as const };

/** What each service, and Switchyard itself, would lose now. */
export const coverageQuery = queryOptions({
  queryKey: [...recoveryKeys.all, "coverage"],
  queryFn: ({ signal }) => request<Coverage[]>("/api/recovery/coverage", { signal }),
  refetchInterval: 5000,
});

/** What a service would lose now, and how long it was away when that was tried. */
export const recoverabilityQuery = (subject: string) =>
  queryOptions({
    queryKey: [...recoveryKeys.all, "standing", subject],
    queryFn: ({ signal }) => request<Recoverability>(`/api/recovery/standing${queryString({ subject })}`, { signal }),
    refetchInterval: 10_000,
  });

const objectivesAddress = (subject: string) => `/api/recovery/objectives${queryString({ subject })}`;

export const setRecoveryObjective = (subject: string, input: z.input<typeof setObjectiveSchema>) =>
  request<unknown>(objectivesAddress(subject), { method: "PUT", body: input });
/** Back to the guides' objective. */
export const clearRecoveryObjective = (subject: string, input: z.input<typeof clearObjectiveSchema>) =>
  request<unknown>(objectivesAddress(subject), { method: "DELETE", body: input });
