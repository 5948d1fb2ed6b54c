import type { V1CronJob, V1Job } from "@kubernetes/client-node";
import type { KubeObject } from "../api.ts";
import { setCronJobDefaults, setJobDefaults, setJobSelector } from "../defaults/batch-defaults.ts";
import { cronJobTable, jobTable } from "../tables/batch-tables.ts";
import { validateCronJob, validateJobSelector, validateJobSpec, validateJobUpdate } from "../validation/job-validation.ts";
import type { ResourceDefinition } from "./definition.ts";

export const batchResources: ResourceDefinition[] = [
  {
    id: { group: "batch", resource: "jobs" },
    version: "v1",
    kind: "Job",
    singular: "job",
    categories: ["all"],
    namespaced: true,
    type: "V1Job",
    hasStatus: true,
    hasGeneration: true,
    nameRule: "subdomain",
    selectableFields: {
      names: ["status.successful"],
      of: (object) => ({ "status.successful": String((object.status as { succeeded?: number } | undefined)?.succeeded ?? 0) }),
    },
    table: jobTable,
    setDefaults: (object) => setJobDefaults(asJob(object)),
    complete: (object) => setJobSelector(asJob(object)),
    validate: (object, errors) => validateJobSpec(asJob(object).spec, "spec", errors),
    validateCreate: (object, _surroundings, errors) => validateJobSelector(asJob(object), errors),
    validateUpdate: (object, stored, errors) => validateJobUpdate(asJob(object), asJob(stored), errors),
    prepareCreate(object) {
      object.status = {};
    },
  },
  {
    id: { group: "batch", resource: "cronjobs" },
    version: "v1",
    kind: "CronJob",
    singular: "cronjob",
    shortNames: ["cj"],
    categories: ["all"],
    namespaced: true,
    type: "V1CronJob",
    hasStatus: true,
    hasGeneration: true,
    nameRule: "subdomain",
    table: cronJobTable,
    setDefaults(object) {
      const { spec } = object as unknown as V1CronJob;
      if (spec) setCronJobDefaults(spec);
    },
    validate: (object, errors) => validateCronJob(object as unknown as V1CronJob, errors),
    prepareCreate(object) {
      object.status = {};
    },
  },
];

function asJob(object: KubeObject): V1Job {
  return object as unknown as V1Job;
}
