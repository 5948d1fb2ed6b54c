import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { kubectl, readPods, readService } from "../fleet-api.ts";
import { system } from "../system.ts";

test.describe.configure({ mode: "serial" });
test.setTimeout(360_000);

let lost: string;

/** `npm run nodes`, as an operator or a drill calls it. */
function nodes(...args: string[]): string {
  const script = join(import.meta.dirname, "..", "..", "services", "launcher", "nodes.ts");
  const env = { ...process.env, ...system.environment };
  return execFileSync(process.execPath, ["--disable-warning=ExperimentalWarning", script, ...args], { encoding: "utf8", env });
}

async function podsOn(node: string) {
  const services = ["relay", "connector", "edge", "redis", "postgres"];
  const pods = await Promise.all(services.map((service) => readPods(service)));
  return pods.flat().filter(({ spec }) => spec?.nodeName === node);
}

test("a node that loses its power: its processes are gone, and what can move runs elsewhere within two minutes", async ({
  page,
}) => {
  const [redis] = await readPods("redis");
  lost = redis?.spec?.nodeName ?? "";
  expect(await podsOn(lost)).not.toEqual([]);
  await page.goto("/fleet");
  expect(nodes("kill", lost)).toContain(`${lost}  off`);
  await expect(async () => {
    expect(kubectl("get", "node", lost, "--no-headers")).toMatch(/\sNotReady\s/);
  }).toPass({ timeout: 60_000 });
  for (const name of ["connector", "edge"]) {
    await expect(async () => {
      const { ready, desired } = await readService(page.request, name);
      expect(ready).toBe(desired);
      const placed = (await readPods(name)).map(({ spec }) => spec?.nodeName);
      expect(placed).not.toContain(lost);
    }).toPass({ timeout: 120_000 });
  }
});

test("a stateful pod of it waits for a person's word, and comes back with its data", async ({ page }) => {
  expect(kubectl("-n", "fleet", "get", "pod", "redis-0", "--no-headers")).toMatch(/Terminating/);
  const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: "redis", exact: true }) });
  await page.goto("/fleet?all=true");
  kubectl("taint", "node", lost, "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute");
  await expect(async () => {
    const [redis] = await readPods("redis");
    expect(redis?.metadata?.name).toBe("redis-0");
    expect(redis?.spec?.nodeName).not.toBe(lost);
    expect(redis?.status?.containerStatuses?.[0]?.ready).toBe(true);
  }).toPass({ timeout: 90_000 });
  await expect(row).toContainText("Healthy");
  // The relays run, but are ready only with their Redis.
  await expect(async () => {
    const { ready, desired } = await readService(page.request, "relay");
    expect(ready).toBe(desired);
  }).toPass({ timeout: 60_000 });
});

test("the node comes back when its power does", async () => {
  kubectl("taint", "node", lost, "node.kubernetes.io/out-of-service-");
  expect(nodes("start", lost)).toContain(`${lost}  on`);
  await expect(async () => {
    expect(kubectl("get", "node", lost, "--no-headers")).toMatch(/\sReady\s/);
  }).toPass({ timeout: 60_000 });
});
