import { type APIRequestContext, expect, test } from "@playwright/test";
import type { AlertDetail, HistoryPage, LiveAlerts, RulesAnswer } from "#lib/domain/alerts/schemas.ts";
import { act, readService } from "../fleet-api.ts";

test.describe.configure({ mode: "serial", timeout: 300_000 });

/** Long enough for a machine that is busy: the rule needs 15 s of slow operations and 10 s of waiting. */
const patience = { timeout: 120_000, intervals: [1_000] };

test("the way of alerts works: the Watchdog arrives, and nothing else is known of it", async ({ page }) => {
  await expect(async () => {
    const { sources, items } = await readLive(page.request);
    expect(sources).toMatchObject([{ name: "embedded", blindSince: null, members: [{ lastError: null }] }]);
    expect(Date.now() - Date.parse(sources[0]?.watchdogAt ?? "")).toBeLessThan(30_000);
    expect(items.map(({ name }) => name)).not.toContain("Watchdog");
  }).toPass(patience);
});

test("the rules are loaded with the demo's windows, and none of them fails", async ({ page }) => {
  const { items }: RulesAnswer = await (await page.request.get("/api/rules")).json();
  expect(items.length).toBeGreaterThan(30);
  expect(items.filter(({ health }) => health !== "ok")).toEqual([]);
  expect(items.find(({ name }) => name === "RelayHighLatency")?.query).toContain("[15s]");
});

test("a rollout that brings latency is on the page with its alert, and rolling it back closes the episode", async ({ page }) => {
  // Each instance more is a longer rollout, and a longer way back.
  const { uid: relay, desired } = await readService(page.request, "relay");
  const seen = { uid: relay, replicas: desired };
  const scaled = await act(page.request, "relay", "scale", { replicas: 3, reason: "a shorter alerts journey", seen });
  expect(scaled.status(), await scaled.text()).toBe(202);
  await expect(async () => {
    expect(await readService(page.request, "relay")).toMatchObject({ health: "healthy" });
    expect((await readLive(page.request)).items.filter(({ name }) => name === "RelayHighLatency")).toEqual([]);
  }).toPass(patience);
  const begun = new Date();
  const service = await readService(page.request, "relay");
  await page.goto("/alerts");

  const reason = "less work for each commit, alerts journey";
  const { uid, templateHash } = service;
  const answer = await act(page.request, "relay", "image", {
    container: "relay",
    image: "switchyard/relay:2.2.0",
    reason,
    seen: { uid, templateHash },
  });
  expect(answer.status(), await answer.text()).toBe(202);

  // Nobody reloads: the page learns of the alert by its stream.
  const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: "RelayHighLatency", exact: true }) });
  await expect(row).toBeVisible(patience);
  await expect(page.getByRole("link", { name: /relay by admin/ }).first()).toBeVisible();
  await expect(page.getByText(reason).first()).toBeVisible();
  await row.getByRole("link", { name: "RelayHighLatency", exact: true }).click();

  const standing = page.getByRole("status").filter({ hasText: /firing|resolved/i });
  await expect(standing.first()).toContainText(/firing/i);
  await expect(page.getByText(reason).first()).toBeVisible();
  const id = new URL(page.url()).pathname.split("/").at(-1) ?? "";
  const firing = await readAlert(page.request, id);
  expect(firing).toMatchObject({
    source: "embedded",
    severity: "warning",
    namespace: "fleet",
    service: "relay",
  });
  // Journeys before this one acted on the relay too: the closest comes first.
  expect(firing.suspects[0]).toMatchObject({
    verb: "image",
    actor: "admin",
    reason,
    service: "fleet/relay",
    relation: "same-service",
  });
  expect(firing.suspects[0]?.secondsBefore).toBeGreaterThan(0);
  expect(firing.runbook).toMatch(/\/runbooks\/relay#RelayHighLatency$/);

  await page
    .getByRole("button", { name: /^Roll back relay/ })
    .first()
    .click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason").fill("the alert names it, alerts journey");
  await dialog.getByRole("button", { name: /^Roll back relay/ }).click();
  await expect(dialog.getByRole("status")).toContainText("Done", { timeout: 180_000 });
  await dialog.getByRole("button", { name: "Close" }).last().click();

  await expect(standing.first()).toContainText(/resolved/i, patience);
  const closed = await readAlert(page.request, id);
  expect(closed.state).toBe("resolved");
  expect(Date.parse(closed.endsAt ?? "")).toBeGreaterThan(Date.parse(closed.startsAt));
  expect(closed.transitions.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["fired", "resolved"]));
  // One episode at a time: what a busy machine may add came after it.
  const others = (await readHistory(page.request, begun)).items.filter((item) => item.id !== id);
  for (const other of others) expect(Date.parse(other.startsAt)).toBeGreaterThanOrEqual(Date.parse(closed.endsAt ?? ""));

  const after = await readService(page.request, "relay");
  expect(after.version).toBe(service.version);
  await page.goto(new URL(closed.runbook ?? "").pathname);
  await expect(page.getByRole("heading", { name: "RelayHighLatency" })).toBeVisible();
});

async function readLive(request: APIRequestContext): Promise<LiveAlerts> {
  return (await request.get("/api/alerts")).json();
}

async function readAlert(request: APIRequestContext, id: string): Promise<AlertDetail> {
  return (await request.get(`/api/alerts/${id}`)).json();
}

async function readHistory(request: APIRequestContext, from: Date): Promise<HistoryPage> {
  return (await request.get(`/api/alerts/history?name=RelayHighLatency&from=${from.toISOString()}`)).json();
}
