import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, expect, type Locator, type Page, test } from "@playwright/test";
import { logIn } from "../log-in.ts";
import { system } from "../system.ts";

test.describe.configure({ mode: "serial" });
test.setTimeout(300_000);

const writeForMs = 60_000;
const killAfterMs = [20_000, 40_000];
const paragraph = "Both write in here.";
const other = { username: "writer-journey", name: "Wanda Writer", role: "operator", password: "correct horse battery" };

let address: string;
/** The second person's browser. */
let second: Page;

test.beforeAll(async ({ browser }) => {
  const admin = await browser.newContext({ baseURL: system.url, storageState: ".switchyard/e2e-session.json" });
  const headers = { "idempotency-key": crypto.randomUUID(), origin: system.url };
  const opened = await admin.request.post("/api/incidents", {
    data: { title: "Two write at once", severity: "P3", services: [] },
    headers,
  });
  expect(opened.ok(), await opened.text()).toBe(true);
  address = `/incidents/${(await opened.json()).id}/postmortem`;
  await admin.request.post("/api/users", { data: other, headers: { origin: system.url } });
  await admin.close();
  second = await openSecond(browser);
});

test.afterAll(() => second.context().close());

test("two people write one postmortem for a minute while the web process is killed twice: nothing is lost", async ({ page }) => {
  await page.goto(address);
  await page.getByRole("button", { name: "Draft the postmortem" }).click();
  await goBelow(page, "Summary");
  await page.keyboard.type(paragraph);
  await expectSaved(page);
  await second.goto(address);
  await expect(line(second, paragraph)).toBeVisible();

  const typed: string[] = [];
  const kills = killAfterMs.map((ms) => setTimeout(killWeb, ms));
  const until = Date.now() + writeForMs;
  await Promise.all([
    write(page, { mark: "w0n", heading: "What went well", key: "Home", until, typed }),
    write(second, { mark: "w1n", heading: "What went badly", key: "End", until, typed }),
  ]);
  for (const kill of kills) clearTimeout(kill);
  for (const writer of [page, second]) await expectSaved(writer);
  const text = await readText(page);
  expect(typed.length).toBeGreaterThan(30);
  expect(typed.filter((word) => text.split(word).length !== 2)).toEqual([]);
  for (const writer of [page, second]) await expectShown(writer, typed.at(-1) ?? "");
});

test("who changes the same words as another is asked, and both can stay", async ({ page }) => {
  await page.goto(address);
  await goBelow(page, "Where we were lucky");
  await page.keyboard.type("It was a quiet hour.");
  await expectSaved(page);
  await expect(line(second, "It was a quiet hour.")).toBeVisible();
  // Both before the other one's words can come.
  await Promise.all([
    replaceLine(page, "It was a quiet hour.", "It was the loudest hour."),
    replaceLine(second, "It was a quiet hour.", "It was an early hour."),
  ]);
  const asked = await Promise.race([untilAsked(page), untilAsked(second)]);
  await settle(asked);
  for (const writer of [page, second]) await expectSaved(writer);
  const text = await readText(page);
  expect(text).toContain("the loudest");
  expect(text).toContain("an early");
});

test("what a closed tab had not saved is saved by the next one", async () => {
  await goBelow(second, "Detection");
  const context = second.context();
  await context.setOffline(true);
  await second.keyboard.type("typed into a tab that was closed; ");
  await second.close();
  await context.setOffline(false);
  second = await context.newPage();
  await second.goto(address);
  await expectSaved(second);
  expect(await readText(second)).toContain("typed into a tab that was closed;");
});

async function openSecond(browser: Browser): Promise<Page> {
  const context = await browser.newContext({ baseURL: system.url, storageState: { cookies: [], origins: [] } });
  const page = await context.newPage();
  await logIn(page, other);
  return page;
}

const area = (page: Page) => page.getByRole("textbox", { name: "Text of the postmortem, Markdown" });
const line = (page: Page, words: string) => area(page).locator(".cm-line").filter({ hasText: words }).first();
const conflict = (page: Page) => page.getByRole("region", { name: "Changed by both" });

async function expectSaved(page: Page): Promise<void> {
  const status = page.getByRole("region", { name: "The text" }).getByRole("status");
  await expect(async () => {
    if (await conflict(page).isVisible()) await settle(page);
    await expect(status).toHaveText(/^\s*Saved/, { timeout: 1_000 });
  }).toPass({ timeout: 60_000, intervals: [500] });
}

/** That others' words have come into the page: it shows them where they were written. */
async function expectShown(page: Page, word: string): Promise<void> {
  await expect(page.getByRole("article", { name: "Preview" })).toContainText(word);
}

async function readText(page: Page): Promise<string> {
  return (await (await page.request.get(`/api${address}`)).json()).postmortem.text;
}

/** Opens a line of one's own below a heading, as a person would: by a click and the keyboard. */
async function goBelow(page: Page, heading: string): Promise<void> {
  await (await reach(page, `## ${heading}`)).click();
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
}

/** Scrolls to a line: the editor has only those in its document that are near to what is seen. */
async function reach(page: Page, words: string): Promise<Locator> {
  const wanted = line(page, words);
  await area(page).hover({ position: { x: 40, y: 10 } });
  for (let turns = 0; turns < 100 && (await wanted.count()) === 0; turns += 1) {
    await page.mouse.wheel(0, turns === 0 ? -100_000 : 200);
    await page.waitForTimeout(30);
  }
  return wanted;
}

type Writing = { mark: string; heading: string; key: "Home" | "End"; until: number; typed: string[] };

/** Words one after the other, now below a heading of one's own, now in the paragraph that both write in. */
async function write(page: Page, { mark, heading, key, until, typed }: Writing): Promise<void> {
  await goBelow(page, heading);
  await page.keyboard.type(`Notes ${mark}.`);
  for (let count = 0; Date.now() < until; count += 1) {
    const word = `${mark}${count};`;
    if (await conflict(page).isVisible()) await settle(page);
    await (await reach(page, count % 3 === 0 ? paragraph : `Notes ${mark}.`)).click();
    await page.keyboard.press(count % 3 === 0 ? key : "End");
    await page.keyboard.type(key === "Home" && count % 3 === 0 ? `${word} ` : ` ${word}`, { delay: 20 });
    typed.push(word);
    await page.waitForTimeout(200);
  }
}

async function replaceLine(page: Page, words: string, by: string): Promise<void> {
  await (await reach(page, words)).click();
  await page.keyboard.press("Home");
  await page.keyboard.press("Shift+End");
  await page.keyboard.insertText(by);
}

async function untilAsked(page: Page): Promise<Page> {
  await conflict(page).waitFor({ timeout: 60_000 });
  return page;
}

/** Keeps what both wrote. */
async function settle(page: Page): Promise<void> {
  await conflict(page).getByRole("button", { name: "Go on with this" }).click();
}

function killWeb(): void {
  const { pid } = JSON.parse(readFileSync(join(system.dataDir, "run", "web.json"), "utf8"));
  process.kill(pid, "SIGKILL");
}
