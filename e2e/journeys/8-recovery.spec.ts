import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { expect, type Page, test } from "@playwright/test";
import type { BackupDetail, BackupView } from "#lib/domain/recovery/backups/schemas.ts";
import { untilWell } from "../drill-api.ts";
import { readPods } from "../fleet-api.ts";
import { part, print, readIncident, resolveAll } from "../incident-page.ts";
import { system } from "../system.ts";

test.describe.configure({ mode: "serial" });

const relay = "/fleet/fleet/relay?tab=recovery";
const reason = "whether it would come back, recovery journey";
const patience = { timeout: 60_000, intervals: [250] };

/** The backup that is made first, by its address and by its name. */
let backup: { id: string; address: string; name: string };
/** The drill at the end, the same way. */
let drill: { address: string; name: string; rto: string };

test("a backup that is asked for on the service's page is followed to its end, and holds what it says", async ({ page }) => {
  // One by schedule would be in its way.
  await expect.poll(async () => (await newestBackup(page))?.finishedAt ?? "none", patience).not.toBeNull();
  await page.goto(relay);
  await part(page, "Recoverability").getByRole("button", { name: "Back up now" }).click();
  const dialog = page.getByRole("dialog");
  const contents = dialog.getByRole("region", { name: "What goes into it" });
  for (const words of ["PostgreSQL", "Redis", "Kubernetes objects"]) await expect(contents).toContainText(words);
  await dialog.getByLabel("Reason").fill(reason);
  const progress = part(page, "Progress").waitFor();
  await dialog.getByRole("button", { name: "Back up relay" }).click();
  await progress;
  const heading = page.getByRole("heading", { level: 1, name: /^B-\d+ of relay/ });
  await expect(heading.getByRole("status")).toHaveText("CompletedChecksums good", patience);
  const id = /[0-9a-f-]{36}$/.exec(page.url())?.[0] ?? "";
  backup = { id, address: page.url(), name: /^B-\d+/.exec((await heading.textContent()) ?? "")?.[0] ?? "" };

  await expect(page.getByText("Saved, and read back without a fault.").first()).toBeVisible();
  await expect(page.getByText(reason)).toBeVisible();
  const parts = page.getByRole("list", { name: "Parts" });
  for (const title of ["PostgreSQL", "Redis", "Kubernetes objects of fleet/relay"]) await expect(parts).toContainText(title);
  await expect(parts.locator("div", { has: page.getByText(/^(\w+\.)?operations$/) }).last()).toContainText(/[1-9][\d,]* rows/);
  await expect(part(page, "Proof").getByRole("listitem").filter({ hasText: "Read back" }).first()).toContainText("Passed");

  const { storageKey, sha256, files } = await readBackup(page);
  await expect(part(page, "Files").getByRole("button", { name: /^Copy [0-9a-f]{64}$/ })).toHaveCount(files.length);
  // What lies in the storage is what the page says, whoever asks.
  expect(await sha256Of(join(system.dataDir, "backups", storageKey ?? ""))).toBe(sha256);
  await expect(page.getByRole("button", { name: `Copy ${sha256}` })).toBeVisible();
});

test("the dry run of a restore says what it would change, stop and lose, and touches nothing", async ({ page }) => {
  const before = await namesOfPods();
  const restoredBefore = await newestRestore(page);
  await page.goto(backup.address);
  await page.getByRole("button", { name: "Restore", exact: true }).click();
  const dialog = page.getByRole("dialog");
  const dryRun = dialog.getByRole("region", { name: "Dry run" });
  await expect(dryRun).toContainText("restored beside everything, asked, and removed");
  await dialog.getByRole("radio", { name: /^In place/ }).check();
  await expect(dryRun.getByText(/^Stopped meanwhile/)).toContainText(/relay \(\d instances?\)/, patience);
  // The prober writes all the time.
  await expect(dryRun.getByRole("alert").filter({ hasText: "Lost with it" })).toContainText(
    /operations: .+ now, .+ in the backup/,
  );
  await expect(dryRun.getByRole("table", { name: "What changes" }).getByRole("row", { name: /operations/ })).toBeVisible();
  await dialog.getByLabel("Reason").fill(reason);
  await dialog.getByRole("button", { name: "Restore relay over the present" }).click();
  // Without the name that has to be typed nothing is sent.
  await expect(dialog.getByText("Type fleet/relay, as it is written here.")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  expect(await newestRestore(page)).toBe(restoredBefore);
  expect(await namesOfPods()).toEqual(before);
});

test("restored into scratch it answers as its manifest says, beside a service that runs on", async ({ page }) => {
  const before = await namesOfPods();
  await page.goto(backup.address);
  await page.getByRole("button", { name: "Restore", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("radio", { name: /^Scratch/ }).check();
  await dialog.getByLabel("Reason").fill(reason);
  await dialog.getByRole("button", { name: "Restore relay into scratch" }).click();
  const heading = page.getByRole("heading", { level: 1, name: `relay: into scratch from ${backup.name}` });
  await expect(heading.getByRole("status")).toHaveText("Completed", patience);
  await expect(page.getByText(/the answers in scratch were those of the backup\. Scratch is removed\./)).toBeVisible();
  const found = part(page, "Found against the backup");
  await expect(found).toContainText(/\d+ checks passed/);
  await expect(found.getByRole("row", { name: /operations.*, passed/ }).first()).toBeVisible();
  expect(await namesOfPods()).toEqual(before);
});

test("a drill kills an instance, is told of by the real alert, and its report says how long clients waited", async ({ page }) => {
  await untilWell(page.request);
  // What journeys before this one have left open.
  await resolveAll(page.request, "relay");
  await page.goto(relay);
  const scenario = page.getByRole("list", { name: "Scenarios" }).getByRole("listitem").filter({ hasText: "Instance failure" });
  await scenario.getByRole("button", { name: "Start a drill" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("region", { name: "What is done" }).getByText(/^Kill .*relay-.* without warning/)).toBeVisible();
  await expect(dialog.getByRole("region", { name: "How it is judged" })).toContainText(
    "Away for at most 30 s, losing at most nothing",
  );
  await dialog.getByLabel("Reason").fill(reason);
  const start = dialog.getByRole("button", { name: "Drill: Instance failure on relay" });
  // Alerts of what journeys before this one have done go out first.
  await expect(start).not.toHaveAttribute("aria-disabled", "true", { timeout: 120_000 });
  await expect(dialog.getByRole("region", { name: "Guard rails" })).toContainText("Passed");
  const before = await namesOfPods();
  await start.click();
  const heading = page.getByRole("heading", { level: 1, name: /^Instance failure: relay/ });
  await expect(heading.getByRole("status")).toHaveText("Running", patience);
  await expect(heading.getByRole("status")).toHaveText("Met", { timeout: 120_000 });
  expect((await namesOfPods()).filter((name) => !before.includes(name))).toHaveLength(1);

  const figure = (name: string) =>
    page.locator("dl > div", { has: page.getByText(name, { exact: true }) }).getByRole("definition");
  await expect(figure("RTO")).toHaveText(/^[\d.]+ (m?s)objective 30 s, ± /);
  await expect(figure("RPO")).toHaveText(/^0 sobjective 0 s/);
  await expect(figure("Lost writes")).toHaveText(/^0of [1-9][\d,]* acknowledged$/);
  await expect(figure("Detected")).toHaveText(/^[\d.]+ s/);
  await expect(page.getByRole("list", { name: "Phases" }).getByRole("listitem")).not.toHaveCount(0);
  const [rto = ""] = /^[\d.]+ m?s/.exec((await figure("RTO").textContent()) ?? "") ?? [];
  const path = page.getByText(/^Recovery \/ Drills \/ DR-\d+$/);
  const name = (await path.textContent())?.split(" ").at(-1) ?? "";
  drill = { address: new URL(page.url()).pathname, name, rto };
  print(`${name}: RTO ${rto}, detected ${await figure("Detected").textContent()}`);

  const report = page.waitForEvent("download");
  await page.getByRole("link", { name: "Markdown" }).click();
  expect((await report).suggestedFilename()).toMatch(/\.md$/);
  await page.getByRole("link", { name: "opened by its alert" }).click();
  await expect(page).toHaveURL(/\/incidents\/[0-9a-f-]{36}$/);
  const incident = await readIncident(page.request, /[0-9a-f-]{36}$/.exec(page.url())?.[0] ?? "");
  expect(incident).toMatchObject({ isDrill: true, origin: "drill", step: "document" });
});

test("the service's card says what is kept, what would be lost now, and how long it was away", async ({ page }) => {
  await page.goto(relay);
  const card = part(page, "Recoverability");
  // One by schedule may be newer.
  const newest = card.getByRole("link", { name: /^B-\d+$/ }).first();
  expect(numberOf(await newest.textContent())).toBeGreaterThanOrEqual(numberOf(backup.name));
  await expect(card).toContainText(/Lost now, of RPO(\d+ m )?\d+ s of \d/);
  const scenario = card.getByRole("listitem").filter({ hasText: "Instance failure" });
  await expect(scenario).toContainText("Met");
  await expect(scenario).toContainText(`RTO ${drill.rto} of 30 s`);
  await expect(scenario).toContainText("RPO 0 s of 0 s");
  await scenario.getByRole("link", { name: drill.name }).click();
  await expect(page).toHaveURL(new RegExp(`${drill.address}$`));
});

const numberOf = (name: string | null) => Number(name?.split("-")[1]);

async function newestBackup({ request }: Page): Promise<BackupView | undefined> {
  const { items } = await (await request.get("/api/backups?subject=fleet/relay&limit=1")).json();
  return items[0];
}

async function newestRestore({ request }: Page): Promise<string | undefined> {
  const { items } = await (await request.get("/api/restores?subject=fleet/relay&limit=1")).json();
  return items[0]?.id;
}

async function readBackup({ request }: Page): Promise<BackupDetail> {
  return (await request.get(`/api/backups/${backup.id}`)).json();
}

async function namesOfPods(): Promise<string[]> {
  return (await readPods("relay")).map(({ metadata }) => metadata?.name ?? "").toSorted();
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
