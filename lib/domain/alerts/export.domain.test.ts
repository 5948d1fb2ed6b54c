import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "#lib/database/client.ts";
import { createTestDatabase } from "../../../e2e/postgres.ts";
import { exportHistory } from "./export.ts";
import { alertContext, clearAlerts, makeEpisode, makeSource, minutesAgo } from "./test-alerts.ts";

let db: Database;
let drop: () => Promise<void>;
let source: string;

beforeAll(async () => {
  ({ database: db, drop } = await createTestDatabase());
});
afterAll(() => drop?.());
beforeEach(async () => {
  await clearAlerts(db);
  source = await makeSource(db);
});

async function read(filter: Record<string, string> = {}): Promise<string> {
  let text = "";
  for await (const chunk of await exportHistory(alertContext(db, "viewer"), filter)) text += chunk;
  return text;
}

describe("the CSV", () => {
  test("has a head, a line for each episode that the filter finds, and quotes what needs it", async () => {
    const labels = { pod: 'a,"b"\nc' };
    await makeEpisode(db, source, { labels, endsAt: minutesAgo(4), annotations: { summary: "slow, very" } });
    await makeEpisode(db, source, { name: "HubDown", service: "hub" });
    const [head, line, ...rest] = (await read({ service: "relay" })).split("\r\n");
    expect(head).toMatch(/^id,source,fingerprint,name,severity,/);
    expect(line).toContain(",embedded,");
    expect(line).toContain(",RelayHighLatency,warning,fleet,relay,");
    expect(line).toContain(`,resolved,${minutesAgo(10).toISOString()},${minutesAgo(4).toISOString()},360.000,`);
    expect(line).toContain('"slow, very"');
    expect(line).toContain('""pod"":""a,\\""b\\""\\nc""');
    expect(rest).toEqual([""]);
  });

  test("does not let a label become a formula of a spreadsheet", async () => {
    for (const evil of ["=HYPERLINK(1)", "+1", "-1+1", "@SUM(1)", "\t=1"]) {
      await makeEpisode(db, source, { name: evil, service: evil, annotations: { summary: evil } });
    }
    const lines = (await read()).trim().split("\r\n").slice(1);
    expect(lines).toHaveLength(5);
    for (const line of lines) expect(line).not.toMatch(/(^|,)"?[=+\-@\t]/);
  });

  test("goes on over pages", async () => {
    await db.$executeRaw`
      INSERT INTO alert_episodes (id, source_id, fingerprint, name, severity, labels, annotations, state, starts_at, ends_at,
        first_received_at, last_received_at, silenced_by)
      SELECT gen_random_uuid(), ${source}::uuid, 'f' || n, 'Frequent', 'info', '{}', '{}', 'resolved',
        ${minutesAgo(7)}::timestamptz + n % 7 * interval '1 minute', ${minutesAgo(0)}, ${minutesAgo(7)}, ${minutesAgo(0)}, '{}'
      FROM generate_series(1, 4005) AS n`;
    const ids = (await read())
      .trim()
      .split("\r\n")
      .slice(1)
      .map((line) => line.split(",")[0]);
    expect(ids).toHaveLength(4_005);
    expect(new Set(ids).size).toBe(4_005);
  });

  test("refuses a bad filter before anything is sent", async () => {
    await expect(exportHistory(alertContext(db), { labels: "pod=~(" })).rejects.toMatchObject({ code: "invalid-input" });
  });

  test("stops reading when the receiver goes away", async () => {
    for (let index = 0; index < 250; index += 1) await makeEpisode(db, source, { labels: { pod: `p${index}` } });
    for await (const chunk of await exportHistory(alertContext(db), {})) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(await db.alertEpisode.count()).toBe(250);
  });
});
