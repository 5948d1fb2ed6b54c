import type { Protection } from "#lib/domain/recovery/protection.ts";
import type { Subject } from "#lib/domain/recovery/schemas.ts";

const service = (name: string): Subject => ({ kind: "service", ref: { namespace: "fleet", name } });
const own: Subject = { kind: "switchyard" };

/** The prober writes 20 operations a second all day long: an archive is never small, so that few are kept. */
const retention = { keepLast: 6, keepDaily: 7, keepWeekly: 4, keepMonthly: 3 };
/** What making a backup and reading it back takes, at the most. */
const makingSeconds = 5 * 60;
/** Dumps every hour cannot hold the guides' minute. */
const hourlyRpoSeconds = 3_600 + makingSeconds;
/** Objects change with releases, not by the minute. */
const dailyRpoSeconds = 86_400 + makingSeconds;
/** The first ones wait until what they save has started. */
const firstBackupMs = 120_000;

/** What the relay needs beside its data: without these objects it could not be built anywhere else. */
const needed = ["postgres", "redis", "issuer"];

/**
 * How a good operator would protect the demo: the relay's data and Switchyard's own are saved every hour, tried in a scratch server
 * every night, the objects of what the relay needs are saved every day, and each scenario that needs no word of a person is drilled
 * every quarter, one after the other.
 */
export function demoProtection(now: Date): Protection {
  const firstBackupAt = new Date(now.getTime() + firstBackupMs);
  const plan = { retention, rpoSeconds: hourlyRpoSeconds, firstBackupAt };
  return {
    plans: [
      {
        ...plan,
        subject: service("relay"),
        contents: {
          postgres: { address: { secret: "relay-secrets", key: "database-url" }, tables: null },
          redis: { url: "redis://redis:6379", address: null },
          objects: true,
          logHours: null,
        },
        cron: "0 * * * *",
        proveCron: "10 3 * * *",
      },
      {
        ...plan,
        subject: own,
        contents: { postgres: { address: null, tables: null }, redis: null, objects: false, logHours: null },
        cron: "30 * * * *",
        proveCron: "40 3 * * *",
      },
      ...needed.map((name, index) => ({
        ...plan,
        subject: service(name),
        contents: { postgres: null, redis: null, objects: true, logHours: null },
        rpoSeconds: dailyRpoSeconds,
        cron: `${15 + index} 2 * * *`,
        proveCron: `${15 + index} 4 * * 0`,
      })),
    ],
    drills: [
      { scenario: "instance", subject: service("relay"), cron: "0 10 1 1,4,7,10 *" },
      { scenario: "redis", subject: service("relay"), cron: "20 10 1 1,4,7,10 *" },
      { scenario: "node", subject: service("relay"), cron: "40 10 1 1,4,7,10 *" },
      { scenario: "hub", subject: service("hub"), cron: "0 11 1 1,4,7,10 *" },
      { scenario: "control-plane", subject: own, cron: "20 11 1 1,4,7,10 *" },
    ],
  };
}
