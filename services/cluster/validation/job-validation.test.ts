import type { V1CronJob, V1Job, V1JobSpec } from "@kubernetes/client-node";
import { describe, expect, it } from "vitest";
import { FieldErrors } from "./field-errors.ts";
import { validateCronJob, validateJobSpec, validateJobUpdate } from "./job-validation.ts";

const template = { metadata: {}, spec: { restartPolicy: "Never", containers: [{ name: "main", image: "demo/task:1.0.0" }] } };

function causes(check: (errors: FieldErrors) => void): string[] {
  const errors = new FieldErrors();
  check(errors);
  return errors.causes.map(({ field, message }) => `${field}: ${message}`);
}

const jobOf = (spec: object) => ({ template, ...spec }) as V1JobSpec;
const job = (spec: object) =>
  causes((errors) => validateJobSpec(jobOf(spec), "spec", errors)).filter((one) => !/terminationMessage|imagePull/.test(one));

describe("a Job is refused", () => {
  it.each([
    [{ parallelism: -1 }, "spec.parallelism: Invalid value: -1: must be greater than or equal to 0"],
    [{ completionMode: "Indexed" }, "spec.completions: Required value: when completion mode is Indexed"],
    [{ completionMode: "Odd" }, 'spec.completionMode: Unsupported value: "Odd": supported values: "Indexed", "NonIndexed"'],
    [{ backoffLimitPerIndex: 1 }, "spec.backoffLimitPerIndex: Forbidden: is not supported by the local cluster"],
    [{ successPolicy: { rules: [] } }, "spec.successPolicy: Forbidden: is not supported by the local cluster"],
    [
      { template: { ...template, spec: { ...template.spec, restartPolicy: "Always" } } },
      'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ],
    [
      { podFailurePolicy: { rules: [{ action: "FailIndex", onExitCodes: { operator: "In", values: [1] } }] } },
      'spec.podFailurePolicy.rules[0].action: Unsupported value: "FailIndex": supported values: "Count", "FailJob", "Ignore"',
    ],
    [
      { podFailurePolicy: { rules: [{ action: "FailJob", onExitCodes: { operator: "In", values: [0] } }] } },
      "spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator",
    ],
  ])("with %j", (spec, expected) => expect(job(spec)).toContain(expected));

  it("for no reason when it is right", () => expect(job({ completions: 2, completionMode: "Indexed" })).toEqual([]));
});

describe("an update of a Job", () => {
  const update = (after: object, before: object, status: object = { startTime: "2026-01-01T00:00:00Z" }) =>
    causes((errors) => validateJobUpdate({ spec: jobOf(after) } as V1Job, { spec: jobOf(before), status } as V1Job, errors));
  const moved = { ...template, spec: { ...template.spec, nodeSelector: { zone: "a" } } };

  it("may change parallelism, and completions only together with it", () => {
    expect(update({ parallelism: 3 }, { parallelism: 1 })).toEqual([]);
    expect(update({ completions: 3 }, { completions: 1 })).toEqual(["spec.completions: Invalid value: 3: field is immutable"]);
    const indexed = (count: number) => ({ completionMode: "Indexed", completions: count, parallelism: count });
    expect(update(indexed(3), indexed(2))).toEqual([]);
  });

  it("may tell a suspended job that never started where its pods go", () => {
    expect(update({ template: moved, suspend: true }, { suspend: true }, {})).toEqual([]);
    expect(update({ template: moved }, {})).toEqual([expect.stringMatching(/^spec\.template: .*field is immutable$/)]);
  });
});

describe("a CronJob is refused", () => {
  const cron = (spec: object, name = "backup") =>
    causes((errors) =>
      validateCronJob(
        { metadata: { name }, spec: { schedule: "@hourly", jobTemplate: { spec: { template } }, ...spec } } as V1CronJob,
        errors,
      ),
    );

  it.each([
    [{ schedule: "" }, "spec.schedule: Required value"],
    [{ schedule: "* * *" }, 'spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]'],
    [
      { schedule: "TZ=UTC 0 0 * * *" },
      'spec.schedule: Invalid value: "TZ=UTC 0 0 * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
    ],
    [{ timeZone: "Mars/Olympus" }, 'spec.timeZone: Invalid value: "Mars/Olympus": unknown time zone Mars/Olympus'],
    [
      { concurrencyPolicy: "Never" },
      'spec.concurrencyPolicy: Unsupported value: "Never": supported values: "Allow", "Forbid", "Replace"',
    ],
    [{ failedJobsHistoryLimit: -1 }, "spec.failedJobsHistoryLimit: Invalid value: -1: must be greater than or equal to 0"],
  ])("with %j", (spec, expected) => expect(cron(spec)).toEqual([expected]));

  it("with a name that leaves no room for the names of its jobs", () => {
    expect(cron({}, "x".repeat(53))).toEqual([expect.stringMatching(/^metadata\.name: .*must be no more than 52 characters$/)]);
    expect(cron({}, "x".repeat(52))).toEqual([]);
  });
});
