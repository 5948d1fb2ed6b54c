import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, type Page, test } from "@playwright/test";
import { readPods } from "../fleet-api.ts";
import { system } from "../system.ts";

test.describe.configure({ mode: "serial" });

function kill(name: string): void {
  const { pid } = JSON.parse(readFileSync(join(system.dataDir, "run", `${name}.json`), "utf8"));
  process.kill(pid, "SIGKILL");
}

test("web killed: the page says that its feed is lost, and goes on by itself", async ({ page }) => {
  await page.goto("/fleet");
  await expect(page.getByRole("link", { name: "relay", exact: true })).toBeVisible();
  kill("web");
  await expect(attention(page)).toContainText("Live updates lost", { timeout: 15_000 });
  await expect(attention(page)).not.toContainText("Live updates lost", { timeout: 60_000 });
  await expect(page.getByRole("link", { name: "relay", exact: true })).toBeVisible();
});

test("controller killed: it comes back and follows rollouts again", async ({ page }) => {
  kill("controller");
  await expect(async () => {
    expect((await page.request.get("http://127.0.0.1:3101/ready")).status()).toBe(200);
  }).toPass({ timeout: 30_000 });
});

test("a relay's process killed: its restart is counted on the page", async ({ page }) => {
  const [pod] = await readPods("relay");
  const name = pod?.metadata?.name ?? "";
  const before = pod?.status?.containerStatuses?.[0]?.restartCount ?? 0;
  await page.goto("/fleet/fleet/relay?tab=instances");
  const row = page.getByRole("row").filter({ hasText: name.slice(-5) });
  await expect(row).toBeVisible();
  killContainer(pod?.status?.podIP ?? "");
  await expect(async () => {
    const now = (await readPods("relay")).find((entry) => entry.metadata?.name === name);
    expect(now?.status?.containerStatuses?.[0]?.restartCount).toBe(before + 1);
    expect(now?.status?.containerStatuses?.[0]?.ready).toBe(true);
  }).toPass({ timeout: 60_000 });
  await expect(row).toContainText(String(before + 1));
});

test("Prometheus killed: the page says so, keeps the fleet, and it is connected again when it is back", async ({ page }) => {
  const [pod] = await readPods("prometheus", "monitoring");
  await page.goto("/fleet");
  await expect(attention(page)).not.toContainText("Prometheus");
  // The first restart is immediate; from the second on the kubelet waits 10 s and more.
  await expect(async () => {
    killContainer(pod?.status?.podIP ?? "");
    await expect(attention(page)).toContainText(/Prometheus (stale|not connected)/, { timeout: 8_000 });
  }).toPass({ timeout: 60_000 });
  await expect(page.getByRole("link", { name: "relay", exact: true })).toBeVisible();
  await expect(attention(page)).not.toContainText("Prometheus", { timeout: 120_000 });
});

/** The bar that carries what is burning. */
function attention(page: Page) {
  return page.getByRole("status", { name: "What needs attention" });
}

/** Kills the processes of the pod with this address, as a crash would. Every pod of the demo knows its address as POD_IP. */
function killContainer(address: string): void {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && environmentOf(name).includes(`POD_IP=${address}`));
  for (const pid of pids) process.kill(Number(pid), "SIGKILL");
}

function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return [];
  }
}
