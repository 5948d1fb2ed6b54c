import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { z } from "zod";
import type {
  BackupCommand,
  BackupDetail,
  BackupState,
  BackupView,
  listBackupsSchema,
  PlanAnswer,
  PlanView,
  planSchema,
  Retention,
  RetentionPreview,
  startBackupSchema,
} from "#lib/domain/recovery/backups/schemas.ts";
import type { Page } from "#lib/domain/rollouts/schemas.ts";
import { queryString, request } from "./api.ts";

export const backupKeys = { all: ["backups"] as const };

export type BackupFilter = Omit<z.output<typeof listBackupsSchema>, "cursor" | "limit">;

/** Whether a process works on it, or will by itself. */
export const isUnderWay = (state: BackupState) =>
  state === "queued" || state === "running" || state === "verifying" || state === "deleting";

/** The newest backups in one page; asked often while one is made. */
export const latestBackupsQuery = (filter: BackupFilter = {}, limit = 20) =>
  queryOptions({
    queryKey: [...backupKeys.all, "latest", filter, limit],
    queryFn: ({ signal }) => request<Page<BackupView>>(`/api/backups${queryString({ ...filter, limit })}`, { signal }),
    refetchInterval: (query) => (query.state.data?.items.some(({ state }) => isUnderWay(state)) ? 2000 : 15_000),
  });

/** All backups, newest first, a page at a time. */
export const backupsQuery = (filter: BackupFilter) =>
  infiniteQueryOptions({
    queryKey: [...backupKeys.all, "list", filter],
    queryFn: ({ pageParam, signal }) =>
      request<Page<BackupView>>(`/api/backups${queryString({ ...filter, cursor: pageParam, limit: 50 })}`, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    refetchInterval: 5000,
  });

const addressOf = (id: string) => `/api/backups/${encodeURIComponent(id)}`;

/** One backup with what is in it and what was shown of it; asked every second while something is done with it. */
export const backupQuery = (id: string) =>
  queryOptions({
    queryKey: [...backupKeys.all, "one", id],
    queryFn: ({ signal }) => request<BackupDetail>(addressOf(id), { signal }),
    refetchInterval: ({ state: { data, status } }) => {
      if (status === "error") return 3000;
      if (!data) return 1000;
      const isProven = data.proofs.some(({ state }) => state === "queued" || state === "running");
      return isUnderWay(data.backup.state) || isProven ? 1000 : 10_000;
    },
  });

const keyed = (idempotencyKey: string) => ({ "idempotency-key": idempotencyKey });

/** What was started, to follow it under its address. */
export type Started = { id: string; number: number };

/** Makes one; the same key with the same input is done once, however often it is sent. */
export const startBackup = (input: z.input<typeof startBackupSchema>, idempotencyKey: string) =>
  request<Started>("/api/backups", { method: "POST", body: input, headers: keyed(idempotencyKey) });

export const sendBackupCommand = (id: string, command: BackupCommand, reason: string, idempotencyKey: string) =>
  request<unknown>(`${addressOf(id)}/${command}`, { method: "POST", body: { reason }, headers: keyed(idempotencyKey) });

const planAddress = (subject: string) => `/api/backup-plans${queryString({ subject })}`;

export const planQuery = (subject: string) =>
  queryOptions({
    queryKey: [...backupKeys.all, "plan", subject],
    queryFn: ({ signal }) => request<PlanAnswer>(planAddress(subject), { signal }),
  });

export const setPlan = (subject: string, input: z.input<typeof planSchema>, idempotencyKey: string) =>
  request<PlanView>(planAddress(subject), { method: "PUT", body: input, headers: keyed(idempotencyKey) });

/** What a retention would keep and let go of, of the backups that are there now. */
export const retentionPreviewQuery = (subject: string, retention: Retention | null, timeZone: string) =>
  queryOptions({
    queryKey: [...backupKeys.all, "retention", subject, retention, timeZone],
    queryFn: ({ signal }) =>
      request<RetentionPreview>(`/api/backup-plans/retention${queryString({ subject, ...retention, timeZone })}`, { signal }),
    enabled: retention !== null,
    retry: false,
  });
