import { z } from "zod";
import { severities } from "../schemas.ts";

const ruleSchema = z.object({ isOn: z.boolean(), severity: z.enum(severities) });
const alertRuleSchema = ruleSchema.extend({
  /** For how long an alert must be seen to fire: one that is over sooner opens nothing. */
  graceSeconds: z.int("Give whole seconds.").min(0, "Give 0 or more.").max(3_600, "Give at most an hour."),
});

/** GET and PUT /api/incidents/settings/automation: what opens incidents by itself, and when one may be resolved. */
export const automationSchema = z.object({
  opening: z.object({
    /** Alerts whose severity is critical or page. */
    criticalAlerts: alertRuleSchema,
    /** Alerts of these names, whatever their severity. */
    namedAlerts: alertRuleSchema.extend({
      names: z.array(z.string().trim().min(1).max(200)).max(100, "Name at most 100 alerts."),
    }),
    /** Rollouts that Switchyard aborted or that failed; not those that a person gave up. */
    rollouts: ruleSchema,
    /** Backups that failed, are late or missing, as their alerts (`backupAlerts`) tell. */
    backups: alertRuleSchema,
  }),
  /** For how long the alerts of an incident must have been over before it may be resolved. */
  clearSeconds: z.int("Give whole seconds.").min(0, "Give 0 or more.").max(86_400, "Give at most a day."),
});
export type Automation = z.infer<typeof automationSchema>;

/** The alerts by which backups tell that they fail. */
export const backupAlerts = ["BackupFailed", "BackupStale", "BackupMissing"] as const;
