import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "#lib/database/client.ts";
import { createLogger } from "#lib/runtime/logger.ts";
import { createTestDatabase } from "../../../e2e/postgres.ts";
import { FleetStore } from "../fleet/live.ts";
import type { LiveMessage } from "../fleet/schemas.ts";
import type { Subscription } from "../fleet/subscription.ts";
import { acknowledgeAlerts } from "./acknowledge.ts";
import { startAlertWatch } from "./live-watch.ts";
import { alertContext, clearAlerts, makeEpisode, makeSource } from "./test-alerts.ts";

let db: Database;
let url: string;
let drop: () => Promise<void>;

beforeAll(async () => {
  ({ database: db, url, drop } = await createTestDatabase());
});
afterAll(() => drop?.());
beforeEach(() => clearAlerts(db));

/** Reads messages until one is of the type; null when none came in time. */
async function waitFor(subscription: Subscription, type: LiveMessage["type"], timeoutMs: number): Promise<LiveMessage | null> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    const found = (await subscription.next(deadline - Date.now()))?.find((message) => message.type === type);
    if (found) return found;
  }
  return null;
}

async function watching(pollMs: number, run: (subscription: Subscription) => Promise<void>): Promise<void> {
  const fleet = new FleetStore({ now: () => new Date(), tickMs: 10 });
  const subscription = fleet.subscribe(null);
  await subscription.next(0);
  const watch = startAlertWatch({ db, databaseUrl: url, fleet, logger: createLogger("test", "silent"), pollMs, quietMs: 50 });
  try {
    expect(await waitFor(subscription, "alerts", 5_000)).not.toBeNull();
    await run(subscription);
  } finally {
    subscription.close();
    fleet.close();
    await watch.stop();
  }
}

describe("viewers", () => {
  test("are told at once of what another process changed, by the database's hint", async () => {
    const id = await makeEpisode(db, await makeSource(db));
    await watching(60_000, async (subscription) => {
      await acknowledgeAlerts(alertContext(db), { ids: [id] });
      expect(await waitFor(subscription, "alerts", 3_000)).toMatchObject({ type: "alerts" });
    });
  });

  test("are told by the poll of what nobody hinted at, and of nothing while nothing changes", async () => {
    const source = await makeSource(db);
    await watching(100, async (subscription) => {
      expect(await waitFor(subscription, "alerts", 400)).toBeNull();
      await makeEpisode(db, source);
      expect(await waitFor(subscription, "alerts", 3_000)).not.toBeNull();
      await db.alertEpisode.updateMany({ data: { inhibited: true } });
      expect(await waitFor(subscription, "alerts", 3_000)).not.toBeNull();
      await db.blindWindow.create({ data: { sourceId: source, reason: "unreachable", beganAt: new Date() } });
      expect(await waitFor(subscription, "alerts", 3_000)).not.toBeNull();
    });
  });
});
