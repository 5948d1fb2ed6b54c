import { type Browser, expect, type Page, test } from "@playwright/test";
import { readPods, readService } from "../fleet-api.ts";
import { logIn } from "../log-in.ts";
import { system } from "../system.ts";

test.describe.configure({ mode: "serial" });

/** The connector: no other journey rolls it out, nothing has to be drained, and no other service depends on it. */
const connector = "/fleet/fleet/connector";
const wanted = { version: "1.1.0", image: "switchyard/connector:1.1.0" };
const freeze = "the quarter is being closed, rollouts journey";
const operator = { username: "operator-journey", name: "Olga Operator", role: "operator", password: "correct horse battery" };

/** An operator's own browser; the journeys' page is the administrator's. */
let operating: Page;
let before: { version: string; templateHash: string; desired: number };

test.beforeAll(async ({ browser }) => {
  operating = await openAsOperator(browser);
  await expect(async () => {
    before = await readService(operating.request, "connector");
    expect(before).toMatchObject({ health: "healthy", candidate: null });
  }).toPass({ timeout: 90_000 });
});

test.afterAll(() => operating.context().close());

test("a frozen service is not rolled out: the form says until when, why, and what an operator can do", async ({ page }) => {
  await page.goto("/settings?section=freeze-windows");
  await page.getByRole("button", { name: "Freeze rollouts" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("What").selectOption("fleet/connector");
  await dialog.getByLabel("Reason").fill(freeze);
  await dialog.getByRole("button", { name: "Freeze fleet/connector" }).click();
  await expect(page.getByRole("row", { name: `fleet/connector: ${freeze}` })).toContainText("In force");

  await operating.goto(connector);
  await operating.getByRole("link", { name: "Roll out" }).click();
  // The field has the focus: whoever comes to roll out can type.
  await expect(operating.getByLabel("Image")).toBeFocused();
  await operating.keyboard.press("ControlOrMeta+a");
  await operating.keyboard.type(wanted.image);
  const blockers = operating.getByRole("alert").filter({ hasText: "This keeps it from starting" });
  await expect(blockers).toContainText(/Rollouts of connector are frozen until .+ UTC: the quarter is being closed/);
  const start = operating.getByRole("button", { name: "Roll out connector 1.0.0 → 1.1.0" });
  await expect(start).toHaveAttribute("aria-disabled", "true");
  await expect(start).toHaveAttribute("aria-description", /are frozen until/);
  await expect(operating.getByLabel(/Wait in the queue/)).toBeEnabled();
  await expect(operating.getByLabel(/Override as administrator/)).toBeDisabled();
  await expect(operating.getByText(/Needs the role admin; yours is operator/)).toBeVisible();
  // Only the content scrolls: on a phone a document that does, too, would take the navigation with it.
  await operating.setViewportSize({ width: 390, height: 844 });
  expect(await operating.evaluate(() => document.documentElement.scrollHeight - window.innerHeight)).toBe(0);
  await operating.setViewportSize({ width: 1440, height: 900 });
});

test("once the freeze is cancelled, what was typed is started: read, ticked, given a reason", async ({ page }) => {
  await page.goto("/settings?section=freeze-windows");
  await page.getByRole("button", { name: "Cancel the freeze of fleet/connector" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason").fill("closed early, rollouts journey");
  await dialog.getByRole("button", { name: "Let rollouts begin again" }).click();
  await expect(page.getByRole("row", { name: `fleet/connector: ${freeze}` })).toContainText("Cancelled");

  await operating.reload();
  await expect(operating.getByLabel("Image")).toHaveValue(wanted.image);
  await operating.getByRole("radio", { name: /^Canary/ }).check();
  await operating.getByLabel("Weight of step 1, percent").fill("25");
  // Nothing but a person ends this pause.
  await operating.getByLabel("Pause of step 1").fill("");
  // How fast scans are on a busy machine is another journey's matter.
  for (const metric of [/^Error ratio/, /^Latency/, /^Prober/]) await operating.getByRole("checkbox", { name: metric }).uncheck();
  const checklist = operating.getByRole("region", { name: "Checklist" });
  await expect(checklist).toContainText("No freeze window");
  await expect(operating.getByRole("figure", { name: "Now · 1.0.0 compared with After · 1.1.0" })).toBeVisible();
  await expect(operating.getByText(/Candidate with 1 instance → 25 % .+ → Pause until promoted/)).toBeVisible();
  await expect(operating.getByRole("alert").filter({ hasText: /keeps? it from starting/ })).toHaveCount(0);
  await operating.getByRole("checkbox", { name: "The way back is written down" }).focus();
  await operating.keyboard.press("Space");
  await operating.getByLabel("Reason").fill("scans of the new offices, rollouts journey");
  const start = operating.getByRole("button", { name: "Roll out connector 1.0.0 → 1.1.0" });
  await expect(start).not.toHaveAttribute("aria-disabled", "true");
  await start.focus();
  await operating.keyboard.press("Enter");
  await expect(operating).toHaveURL(/\/rollouts\/[0-9a-f-]{36}$/);
});

test("its page shows it go, waits for a person, and goes to the end when it is promoted", async () => {
  const steps = operating.getByRole("list", { name: "Steps" });
  await expect(steps.locator("[aria-current=step]")).toContainText("Pause until promoted", { timeout: 60_000 });
  await expect(operating.getByText("scans of the new offices, rollouts journey")).toBeVisible();
  expect(versionsOf(await readPods("connector"))).toEqual(["1.0.0", wanted.version]);

  await operating.getByRole("button", { name: "Promote", exact: true }).click();
  const dialog = operating.getByRole("dialog");
  await expect(dialog).toContainText("Next: Update stable.");
  await dialog.getByLabel("Reason").fill("it scans as before, rollouts journey");
  await dialog.getByRole("button", { name: "Promote the rollout of connector" }).click();
  await expect(operating.getByRole("status").filter({ hasText: "Complete" })).toBeVisible({ timeout: 90_000 });
  await expect(operating.getByText(`Promoted by ${operator.username}: it scans as before, rollouts journey`)).toBeVisible();
  expect(versionsOf(await readPods("connector"))).toEqual([wanted.version]);
});

test("it is rolled back from its page, and the fleet is as it was", async () => {
  await operating.getByRole("button", { name: /^Roll back to revision/ }).click();
  const dialog = operating.getByRole("dialog");
  await dialog.getByLabel("Reason").fill("only a journey, rollouts journey");
  await dialog.getByRole("button", { name: /^Roll back connector/ }).click();
  await expect(dialog.getByRole("status")).toContainText("Done", { timeout: 90_000 });
  const after = await readService(operating.request, "connector");
  const { version, templateHash, desired } = before;
  expect(after).toMatchObject({ version, templateHash, desired, candidate: null, health: "healthy" });
});

async function openAsOperator(browser: Browser): Promise<Page> {
  const made = await browser.newContext({ baseURL: system.url, storageState: ".switchyard/e2e-session.json" });
  await made.request.post("/api/users", { data: operator, headers: { Origin: system.url } });
  await made.close();
  const context = await browser.newContext({ baseURL: system.url, storageState: { cookies: [], origins: [] } });
  const page = await context.newPage();
  await logIn(page, operator);
  return page;
}

function versionsOf(pods: Awaited<ReturnType<typeof readPods>>): string[] {
  const versions = pods.map(({ spec }) => spec?.containers[0]?.image?.split(":")[1] ?? "");
  return [...new Set(versions)].toSorted();
}
