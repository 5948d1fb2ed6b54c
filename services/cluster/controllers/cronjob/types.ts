import type { KubeObject } from "../../api.ts";
import type { JobSpec } from "../job/types.ts";
import type { Labels, ObjectReference } from "../objects.ts";

export type CronJobStatus = { active?: ObjectReference[]; lastScheduleTime?: string; lastSuccessfulTime?: string };

export type CronJob = KubeObject & {
  spec: {
    schedule: string;
    timeZone?: string;
    concurrencyPolicy?: "Allow" | "Forbid" | "Replace";
    startingDeadlineSeconds?: number;
    suspend?: boolean;
    successfulJobsHistoryLimit?: number;
    failedJobsHistoryLimit?: number;
    jobTemplate: { metadata?: { labels?: Labels; annotations?: Labels }; spec: JobSpec };
  };
  status?: CronJobStatus;
};
