import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "#lib/database/client.ts";
import type { Pipeline } from "#lib/database/pipeline.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { createTestDatabase } from "../../../e2e/postgres.ts";
import { testContext } from "../actions/test-fleet.ts";
import type { Role } from "../users/schemas.ts";
import { getAlertRetention, pruneAlerts, setAlertRetention } from "./retention.ts";
import {
  createAlertSource,
  ensureAlertSource,
  findSourceSecret,
  isSecretOf,
  listAlertSources,
  removeAlertSource,
  rotateAlertSource,
  updateAlertSource,
} from "./sources.ts";

let db: Database;
let pipeline: Pipeline;
let drop: () => Promise<void>;
const now = new Date("2026-11-01T10:00:00.000Z");
const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000);
const noCluster = null as unknown as KubernetesClient;
const as = (role: Role) => testContext({ db, kubernetes: noCluster, clock: () => now }, { role, name: "ada" });
const urls = ["http://alertmanager-0:9093", "http://alertmanager-1:9093"];

async function findBySecret(name: string, secret: string) {
  const known = await findSourceSecret(pipeline.run, name);
  return known && isSecretOf(known, secret) ? { id: known.id, name } : null;
}

beforeAll(async () => {
  ({ database: db, pipeline, drop } = await createTestDatabase());
});
afterAll(() => drop?.());
beforeEach(async () => {
  await db.alertSource.deleteMany();
  await db.auditEntry.deleteMany();
  await db.setting.deleteMany();
});

describe("a source of alerts", () => {
  test("gets a secret that is shown once, opens it, and is stored only as a hash", async () => {
    const { source, secret } = await createAlertSource(as("admin"), { name: "prod", urls: [`${urls[0]}/`, ...urls] });
    expect(secret).toMatch(/^swa_[\w-]{43}$/);
    expect(source.members.map(({ url }) => url)).toEqual(urls);
    expect(await findBySecret("prod", secret)).toEqual({ id: source.id, name: "prod" });
    expect(await findBySecret("prod", `${secret}x`)).toBeNull();
    expect(await findBySecret("other", secret)).toBeNull();
    const stored = JSON.stringify([
      await db.alertSource.findMany(),
      await db.auditEntry.findMany(),
      await listAlertSources(as("viewer")),
    ]);
    expect(stored).not.toContain(secret);
  });

  test("is kept by administrators only, each change audited", async () => {
    await expect(createAlertSource(as("operator"), { name: "prod" })).rejects.toMatchObject({ code: "not-permitted" });
    const { source } = await createAlertSource(as("admin"), { name: "prod" });
    await updateAlertSource(as("admin"), source.id, { urls });
    await rotateAlertSource(as("admin"), source.id);
    await removeAlertSource(as("admin"), source.id);
    const entries = await db.auditEntry.findMany({ orderBy: { id: "asc" } });
    expect(entries.map(({ verb, targetName }) => `${verb} ${targetName}`).toSorted()).toEqual(
      ["create prod", "remove prod", "rotate-secret prod", "update prod"].toSorted(),
    );
    await expect(removeAlertSource(as("admin"), source.id)).rejects.toMatchObject({ code: "not-found" });
  });

  test("ends its old secret with the new one, and refuses any while it is disabled", async () => {
    const { source, secret } = await createAlertSource(as("admin"), { name: "prod" });
    const rotated = await rotateAlertSource(as("admin"), source.id);
    expect(await findBySecret("prod", secret)).toBeNull();
    expect(await findBySecret("prod", rotated.secret)).not.toBeNull();
    await updateAlertSource(as("admin"), source.id, { disabled: true });
    expect(await findBySecret("prod", rotated.secret)).toBeNull();
    await updateAlertSource(as("admin"), source.id, { disabled: false });
    expect(await findBySecret("prod", rotated.secret)).not.toBeNull();
  });

  test("has a name of its own and addresses that can be asked", async () => {
    await createAlertSource(as("admin"), { name: "prod" });
    const fields = (name: string) => ({ code: "invalid-input", details: { fields: { [name]: expect.anything() } } });
    await expect(createAlertSource(as("admin"), { name: "Prod" })).rejects.toMatchObject(fields("name"));
    for (const url of ["alertmanager:9093", "ftp://alertmanager", "http://user:word@alertmanager"]) {
      await expect(createAlertSource(as("admin"), { name: "other", urls: [url] })).rejects.toMatchObject(fields("urls.0"));
    }
  });

  test("that Switchyard brings itself follows its secret and keeps what is known of its members", async () => {
    const secrets = ["swa_the-first-secret-that-is-long-enough", "swa_the-second-secret-that-is-long-enough"] as const;
    await ensureAlertSource(db, { name: "embedded", secret: secrets[0], urls });
    await db.alertSourceMember.updateMany({ data: { lastPolledAt: now } });
    await ensureAlertSource(db, { name: "embedded", secret: secrets[1], urls: urls.slice(0, 1) });
    expect(await findBySecret("embedded", secrets[0])).toBeNull();
    expect(await findBySecret("embedded", secrets[1])).not.toBeNull();
    expect(await db.alertSourceMember.findMany()).toMatchObject([{ url: urls[0], lastPolledAt: now }]);
  });
});

describe("what is kept", () => {
  test("is 400 days of alerts and 30 of bodies unless an administrator says otherwise", async () => {
    expect(await getAlertRetention(as("viewer"))).toEqual({ episodeDays: 400, bodyDays: 30 });
    await expect(setAlertRetention(as("operator"), { episodeDays: 90, bodyDays: 7 })).rejects.toMatchObject({
      code: "not-permitted",
    });
    await expect(setAlertRetention(as("admin"), { episodeDays: 0, bodyDays: 7 })).rejects.toMatchObject({
      code: "invalid-input",
    });
    await setAlertRetention(as("admin"), { episodeDays: 90, bodyDays: 7 });
    expect(await getAlertRetention(as("viewer"))).toEqual({ episodeDays: 90, bodyDays: 7 });
  });

  test("is what is younger, and what still fires or belongs to an incident however old it is", async () => {
    const { source } = await createAlertSource(as("admin"), { name: "prod" });
    const episode = (fingerprint: string, began: number, ended: number | null) => ({
      sourceId: source.id,
      fingerprint,
      name: fingerprint,
      severity: "none",
      labels: {},
      annotations: {},
      state: ended === null ? ("firing" as const) : ("resolved" as const),
      startsAt: daysAgo(began),
      endsAt: ended === null ? null : daysAgo(ended),
      firstReceivedAt: daysAgo(began),
      lastReceivedAt: daysAgo(began),
    });
    const old = Array.from({ length: 2_001 }, (_, index) => episode(`old-${index}`, 402, 401));
    await db.alertEpisode.createMany({ data: [...old, episode("long", 402, 399), episode("open", 500, null)] });
    const linked = await db.alertEpisode.create({ data: episode("linked", 402, 401) });
    await linkToIncident(linked.id);
    const at = (days: number) => ({ firstReceivedAt: daysAgo(days), lastReceivedAt: daysAgo(days) });
    const body = (days: number) => ({ sourceId: source.id, hash: Buffer.from([days]), body: Buffer.from("{}"), ...at(days) });
    await db.alertBody.createMany({ data: [body(31), body(29)] });
    const series = { sourceId: source.id, startsAt: daysAgo(402) };
    await db.alertSeries.createMany({
      data: [
        { ...series, fingerprint: "old-0", endsAt: daysAgo(401) },
        { ...series, fingerprint: "long", endsAt: daysAgo(399) },
      ],
    });
    expect(await pruneAlerts(db, now)).toEqual({ episodes: 2_001, bodies: 1, blindWindows: 0 });
    expect((await db.alertEpisode.findMany()).map(({ fingerprint }) => fingerprint).toSorted()).toEqual([
      "linked",
      "long",
      "open",
    ]);
    expect((await db.alertSeries.findMany()).map(({ fingerprint }) => fingerprint)).toEqual(["long"]);
    expect(await db.alertBody.count()).toBe(1);
  });
});

async function linkToIncident(targetId: string): Promise<void> {
  const times = { openedAt: daysAgo(402), impactStartedAt: daysAgo(402), detectedAt: daysAgo(402) };
  await db.incident.create({
    data: {
      ...times,
      title: "It was slow",
      severity: "P2",
      step: "done",
      origin: "alert",
      openedByName: "Switchyard",
      impactStartSource: "alert",
      links: { create: { kind: "alert", targetId, title: "linked", at: daysAgo(402), byName: "Switchyard" } },
    },
  });
}
