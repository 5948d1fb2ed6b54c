import { expect, type Page, test } from "@playwright/test";
import { act, kubectl, readPods, readService } from "../fleet-api.ts";

test.describe.configure({ mode: "serial" });

const relay = "/fleet/fleet/relay";

/** How long a rollout of the relay may be without progress; the demo's 60 s are a long wait. */
function setProgressDeadline(seconds: number): void {
  kubectl("-n", "fleet", "patch", "deployment/relay", "-p", JSON.stringify({ spec: { progressDeadlineSeconds: seconds } }));
}

async function rowsOfInstances(page: Page) {
  return page.getByRole("row").filter({ has: page.getByText(/^relay-/) });
}

test("the fleet shows every service of the demo, healthy, with measured figures", async ({ page }) => {
  await page.goto("/fleet");
  for (const name of ["relay", "connector", "hub", "edge"]) {
    const row = page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
    await expect(row).toContainText("Healthy", { timeout: 90_000 });
  }
  const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: "relay", exact: true }) });
  await expect(row).toContainText(/\d(\.\d+)?\s?ms/, { timeout: 60_000 });
});

test("every chart of the relay is drawn from measured data", async ({ page }) => {
  await page.goto(`${relay}?tab=health&range=15m`);
  await expect(async () => {
    const { panels } = await (await page.request.get("/api/services/fleet/relay/panels?range=15m")).json();
    for (const panel of panels) {
      const points = panel.series.flatMap((series: { points: [number, number | null][] }) => series.points);
      expect(
        points.some(([, value]: [number, number | null]) => value !== null),
        panel.title,
      ).toBe(true);
    }
  }).toPass({ timeout: 90_000, intervals: [2_000] });
});

test("scaling from 3 to 5 shows the new instances arrive without a reload", async ({ page }) => {
  await page.goto(`${relay}?tab=instances`);
  await expect(await rowsOfInstances(page)).toHaveCount(3);
  await page.getByRole("button", { name: "Scale", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Instances").fill("5");
  await expect(dialog).toContainText("3");
  await dialog.getByLabel("Reason").fill("evening peak, journey");
  await dialog.getByRole("button", { name: "Scale relay to 5" }).click();
  await expect(dialog.getByRole("status")).toContainText("Done", { timeout: 60_000 });
  await dialog.getByRole("button", { name: "Close" }).last().click();
  await expect(await rowsOfInstances(page)).toHaveCount(5);
  expect((await readPods("relay")).length).toBe(5);
});

test("Prometheus finds the new instances and forgets the one that went", async ({ request }) => {
  const address = kubectl("-n", "monitoring", "get", "svc", "prometheus", "-o", "jsonpath={.spec.clusterIP}");
  const scraped = async () => {
    const { data } = await (await request.get(`http://${address}:9090/api/v1/targets?state=active`)).json();
    const targets: { health: string; labels: { pod: string; service: string } }[] = data.activeTargets;
    return targets.filter(({ health, labels }) => labels.service === "relay" && health === "up").map(({ labels }) => labels.pod);
  };
  const names = async () => (await readPods("relay")).map(({ metadata }) => metadata?.name ?? "").toSorted();
  await expect(async () => expect((await scraped()).toSorted()).toEqual(await names())).toPass({ timeout: 20_000 });
  const [gone = ""] = await names();
  kubectl("-n", "fleet", "delete", "pod", gone, "--wait=false");
  await expect(async () => expect(await scraped()).not.toContain(gone)).toPass({ timeout: 20_000 });
  await expect(async () => expect((await scraped()).toSorted()).toEqual(await names())).toPass({ timeout: 60_000 });
});

test("rolling out the better image is followed to its end", async ({ page }) => {
  await page.goto(relay);
  await page.getByRole("button", { name: "Set image" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Image").fill("switchyard/relay:2.1.0");
  await dialog.getByLabel("Reason").fill("shorter commit windows, journey");
  await dialog.getByRole("button", { name: "Set image of relay to 2.1.0" }).click();
  await expect(dialog.getByRole("status")).toContainText("Done", { timeout: 150_000 });
  for (const pod of await readPods("relay")) expect(pod.spec?.containers[0]?.image).toBe("switchyard/relay:2.1.0");
});

test("an image that does not exist fails with its name, and the instances that run stay", async ({ page }) => {
  setProgressDeadline(20);
  await page.goto(relay);
  await page.getByRole("button", { name: "Set image" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Image").fill("switchyard/relay:9.9.9");
  await dialog.getByLabel("Reason").fill("a tag that nobody pushed, journey");
  await dialog.getByRole("button", { name: "Set image of relay to 9.9.9" }).click();
  await expect(dialog.getByRole("status")).toContainText(/Under way.*9\.9\.9/s);
  await expect(dialog.getByRole("status").getByText(/^Failed /)).toBeVisible({ timeout: 150_000 });
  await expect(dialog.getByRole("status")).toContainText("9.9.9");
  const ready = (await readPods("relay")).filter((pod) =>
    pod.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True"),
  );
  expect(ready.length).toBe(5);
  setProgressDeadline(60);
});

test("rolling back leads to the content before, under a new revision", async ({ page }) => {
  const before = await readService(page.request, "relay");
  await page.goto(relay);
  await page.getByRole("button", { name: "Roll back" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason").fill("the image does not exist, journey");
  await dialog.getByRole("button", { name: /^Roll back relay/ }).click();
  await expect(dialog.getByRole("status")).toContainText("Done", { timeout: 120_000 });
  const after = await readService(page.request, "relay");
  expect(after.version).toBe("2.1.0");
  expect(after.revision).toBe(before.revision + 1);
});

test("the audit has all of it, with who, why and how it ended", async ({ page }) => {
  await page.goto("/audit?search=journey");
  for (const reason of ["evening peak", "shorter commit windows", "a tag that nobody pushed", "the image does not exist"]) {
    await expect(page.getByRole("row").filter({ hasText: reason })).toContainText("admin");
  }
  const rollouts = await (await page.request.get("/api/rollouts?service=relay")).json();
  const failed = rollouts.items.filter((rollout: { state: string }) => rollout.state === "failed");
  expect(failed.map((rollout: { toVersion: string }) => rollout.toVersion)).toEqual(["9.9.9"]);
  expect(failed[0].message).toContain("switchyard/relay:9.9.9");
  const { items } = await (await page.request.get("/api/audit?search=journey&limit=50")).json();
  const settled = items.filter((item: { reason: string | null }) => item.reason?.endsWith(", journey"));
  expect(settled.length).toBe(4);
  for (const item of settled) {
    expect(item.outcome).toBe("succeeded");
    expect(item.before).not.toBeNull();
    expect(item.after).not.toBeNull();
  }
});

test("what was decided on a stale page is refused with what changed", async ({ page }) => {
  const service = await readService(page.request, "relay");
  const answer = await act(page.request, "relay", "scale", {
    replicas: 4,
    reason: "stale on purpose",
    seen: { uid: service.uid, replicas: service.desired + 1 },
  });
  expect(answer.status()).toBe(409);
  const problem = await answer.json();
  expect(problem.code).toBe("stale");
  expect(problem.changed[0]).toMatchObject({ now: String(service.desired), seen: String(service.desired + 1) });
});

test("the same Idempotency-Key acts once and gets the same answer", async ({ page }) => {
  const service = await readService(page.request, "connector");
  const input = {
    replicas: service.desired + 1,
    reason: "twice the same key",
    seen: { uid: service.uid, replicas: service.desired },
  };
  const key = `journey-${Date.now()}`;
  const first = await act(page.request, "connector", "scale", input, key);
  const second = await act(page.request, "connector", "scale", input, key);
  expect(first.status()).toBe(202);
  expect(second.status()).toBe(202);
  expect(await second.json()).toEqual(await first.json());
  const other = await act(page.request, "connector", "scale", { ...input, replicas: 9 }, key);
  expect(other.status()).toBe(409);
});

test("the keyboard alone finds a service and opens its scale dialog", async ({ page }) => {
  await page.goto("/");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("scale edge to 3");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toContainText("Scale edge to 3");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});
