import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, expect, type Page, test } from "@playwright/test";
import { system } from "../system.ts";

test.setTimeout(300_000);

const writeForMs = 60_000;
const killAfterMs = [20_000, 40_000];
const headings = ["## What went well", "## What went badly"];

test("two browsers write one postmortem for a minute while the web process is killed twice: nothing is lost", async ({
  page,
  browser,
}) => {
  const id = await openIncident(page);
  const address = `/incidents/${id}/postmortem`;
  await page.goto(address);
  await page.getByRole("button", { name: "Draft the postmortem" }).click();
  await expect(area(page)).toBeVisible();
  // A browser of its own: another storage, the same person.
  const other = await openOther(browser, address);
  const typed: string[] = [];
  const kills = killAfterMs.map((ms) => setTimeout(killWeb, ms));
  const until = Date.now() + writeForMs;
  await Promise.all([write(page, 0, until, typed), write(other, 1, until, typed)]);
  for (const kill of kills) clearTimeout(kill);
  for (const writer of [page, other]) {
    await expect(writer.getByRole("region", { name: "The text" }).getByText("Saved")).toBeVisible({ timeout: 60_000 });
  }
  const text: string = (await (await page.request.get(`/api${address}`)).json()).postmortem.text;
  expect(typed.length).toBeGreaterThan(60);
  expect(typed.filter((word) => !text.includes(word))).toEqual([]);
  for (const writer of [page, other]) await expect(area(writer)).toHaveValue(text, { timeout: 20_000 });
  await other.context().close();
});

async function openIncident(page: Page): Promise<string> {
  const response = await page.request.post("/api/incidents", {
    data: { title: "Two write at once", severity: "P3", services: [] },
    headers: { "idempotency-key": crypto.randomUUID(), origin: system.url },
  });
  expect(response.ok()).toBe(true);
  return (await response.json()).id;
}

async function openOther(browser: Browser, address: string): Promise<Page> {
  const context = await browser.newContext({ baseURL: system.url, storageState: ".switchyard/e2e-session.json" });
  const page = await context.newPage();
  await page.goto(address);
  await expect(area(page)).toBeVisible();
  return page;
}

const area = (page: Page) => page.getByLabel("Text of the postmortem, Markdown");

/** Types words one after the other below a heading of one's own, as a person would: with the keyboard, at the cursor. */
async function write(page: Page, who: number, until: number, typed: string[]): Promise<void> {
  const heading = headings[who] ?? "";
  for (let count = 0; Date.now() < until; count += 1) {
    const word = `w${who}n${count};`;
    await area(page).evaluate((element: HTMLTextAreaElement, marker) => {
      const at = element.value.indexOf(marker) + marker.length;
      element.focus();
      element.setSelectionRange(at, at);
    }, heading);
    await page.keyboard.type(count % 8 === 0 ? `\n${word}` : ` ${word}`, { delay: 20 });
    typed.push(word);
    await page.waitForTimeout(300);
  }
}

function killWeb(): void {
  const { pid } = JSON.parse(readFileSync(join(system.dataDir, "run", "web.json"), "utf8"));
  process.kill(pid, "SIGKILL");
}
