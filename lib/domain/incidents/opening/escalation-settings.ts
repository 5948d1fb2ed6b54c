import { defineSetting } from "../../settings.ts";
import { type EscalationSettings, escalationSchema, type Severity, severityInfos } from "../schemas.ts";

/** The guides' figures. */
export const defaultEscalation: EscalationSettings = {
  minutes: {
    P1: severityInfos.P1.escalateAfterMinutes,
    P2: severityInfos.P2.escalateAfterMinutes,
    P3: severityInfos.P3.escalateAfterMinutes,
    P4: severityInfos.P4.escalateAfterMinutes,
  },
};

/** After how long without an acknowledgement people are told again, by severity. */
export const {
  get: getEscalation,
  set: setEscalation,
  read: readEscalation,
} = defineSetting({
  key: "incidents.escalation",
  schema: escalationSchema,
  initial: defaultEscalation,
  what: "when incidents escalate",
});

/** When people are told again if nobody acknowledges it from `from` on; null: never. */
export function escalatesAfter({ minutes }: EscalationSettings, severity: Severity, from: Date): Date | null {
  const after = minutes[severity];
  return after === null ? null : new Date(from.getTime() + after * 60_000);
}

/**
 * When people are told again of an incident that a person gave another severity: it has waited since `openedAt`, so that a change
 * never puts off what is due. Not before `now`.
 */
export function escalatesAfterChange(settings: EscalationSettings, severity: Severity, openedAt: Date, now: Date): Date | null {
  const at = escalatesAfter(settings, severity, openedAt);
  return at && new Date(Math.max(at.getTime(), now.getTime()));
}
