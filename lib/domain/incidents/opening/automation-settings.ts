import { defineSetting } from "../../settings.ts";
import { type Automation, automationSchema } from "./automation-schemas.ts";

export type { Automation } from "./automation-schemas.ts";

export const defaultAutomation: Automation = {
  opening: {
    criticalAlerts: { isOn: true, severity: "P1", graceSeconds: 60 },
    namedAlerts: { isOn: true, severity: "P2", graceSeconds: 60, names: [] },
    rollouts: { isOn: true, severity: "P3" },
    backups: { isOn: true, severity: "P3", graceSeconds: 60 },
  },
  clearSeconds: 300,
};

/** The demo's alerts look at seconds, not at minutes. */
export const demoAutomation: Automation = {
  opening: {
    ...defaultAutomation.opening,
    criticalAlerts: { isOn: true, severity: "P1", graceSeconds: 20 },
    namedAlerts: { isOn: true, severity: "P2", graceSeconds: 0, names: ["RelayHighLatency"] },
    backups: { isOn: true, severity: "P3", graceSeconds: 20 },
  },
  clearSeconds: 10,
};

/** What Switchyard does with incidents by itself. */
export const {
  get: getAutomation,
  set: setAutomation,
  read: readAutomation,
  ensure: ensureAutomation,
} = defineSetting({
  key: "incidents.automation",
  schema: automationSchema,
  initial: defaultAutomation,
  what: "what opens incidents",
});
