import { execFile } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { type APIRequestContext, expect, test } from "@playwright/test";
import { Webhook } from "standardwebhooks";
import type { RolloutDetail } from "#lib/domain/rollouts/schemas.ts";
import type { Strategy } from "#lib/domain/rollouts/strategy.ts";
import { TestReceiver } from "#lib/notify/test-receiver.ts";
import { act, kubectl, readPods, readService } from "../fleet-api.ts";
import { system } from "../system.ts";
import { probesSince, readProbes } from "./probes.ts";

/** Rollouts with a strategy on the demo's relay, judged by its real Prometheus, with the prober using it all the time. */

test.setTimeout(600_000);

const script = join(import.meta.dirname, "..", "..", "deploy", "github-action", "roll-out.sh");
const nothingLost = { lost: 0, duplicated: 0, reordered: 0 };

const quickAnalysis = {
  metrics: ["error-ratio", "latency-p95", "probe-success", "restarts"],
  intervalSeconds: 2,
  count: 4,
  failureLimit: 1,
  noDataLimit: null,
  errorLimit: 4,
  minimumSamples: 20,
  windowSeconds: 10,
};
const blueGreen = (scaleDownDelaySeconds: number): Strategy => ({
  kind: "blue-green",
  previewReplicas: null,
  prePromotion: null,
  waitForPromotion: false,
  postPromotion: quickAnalysis,
  scaleDownDelaySeconds,
  progressDeadlineSeconds: 120,
});

let token: string;

test.beforeAll(async ({ playwright }) => {
  const api = await playwright.request.newContext({ baseURL: system.url, storageState: ".switchyard/e2e-session.json" });
  const made = await api.post("/api/tokens", {
    data: { name: "pipeline", role: "operator", expiresInDays: 1 },
    headers: { Origin: system.url },
  });
  token = (await made.json()).secret;
  await api.dispose();
});

test.beforeEach(async ({ page }) => {
  await expect(async () => {
    expect(await readService(page.request, "relay")).toMatchObject({ health: "healthy", candidate: null });
  }).toPass({ timeout: 120_000 });
});

/** The script of the pipelines, as a job runs it. */
function rollOut(settings: Record<string, string>): Promise<{ code: number; printed: string; id: string }> {
  const env = {
    ...process.env,
    SWITCHYARD_URL: system.url,
    SWITCHYARD_TOKEN: token,
    SERVICE: "fleet/relay",
    TIMEOUT_MINUTES: "8",
    ...settings,
  };
  return new Promise((resolve) => {
    execFile("sh", [script], { env, encoding: "utf8" }, (error, stdout, stderr) => {
      const id = /\/rollouts\/([0-9a-f-]{36})/.exec(stdout)?.[1] ?? "";
      resolve({ code: error ? Number(error.code) : 0, printed: stdout + stderr, id });
    });
  });
}

async function readRollout(request: APIRequestContext, id: string): Promise<RolloutDetail> {
  return (await request.get(`/api/rollouts/${id}`)).json();
}

async function versionsOfPods(): Promise<string[]> {
  const images = (await readPods("relay")).map(({ spec }) => spec?.containers[0]?.image ?? "");
  return [...new Set(images)];
}

/** A version that does well, and is not the present one. */
async function anotherGood(request: APIRequestContext): Promise<string> {
  const { version } = await readService(request, "relay");
  return version === "2.1.0" ? "switchyard/relay:2.0.0" : "switchyard/relay:2.1.0";
}

/** An incident tool's webhook that wants to know of rollouts that were aborted; what comes is checked against its secret. */
async function incidentHook(request: APIRequestContext) {
  const receiver = await TestReceiver.start();
  const settings = { url: receiver.url, signingSecret: `whsec_${randomBytes(32).toString("base64")}` };
  const data = { kind: "webhook", name: `incidents ${randomUUID()}`, filter: { events: ["rollout-aborted"] }, settings };
  const made = await request.post("/api/notification-targets", { data, headers: { Origin: system.url } });
  expect(made.ok(), await made.text()).toBe(true);
  const { target } = await made.json();
  return {
    called: async () => {
      await expect(() => expect(receiver.received).toHaveLength(1)).toPass({ timeout: 30_000 });
      const [call] = receiver.received;
      const told = new Webhook(settings.signingSecret).verify(call?.body ?? "", call?.headers as Record<string, string>);
      return (told as { data: { events: unknown[] } }).data.events[0];
    },
    remove: async () => {
      await request.delete(`/api/notification-targets/${target.id}`, { headers: { Origin: system.url } });
      await receiver.stop();
    },
  };
}

const seconds = (from: string | null, to: string | null) => (Date.parse(to ?? "") - Date.parse(from ?? "")) / 1000;

test("a good version takes 10, 50 and 100 percent by itself, and no acknowledged operation is lost", async ({ page }) => {
  const before = await readProbes("relay");
  const image = await anotherGood(page.request);
  const { code, printed, id } = await rollOut({ IMAGE: image, REASON: "other commit windows" });
  expect(code, printed).toBe(0);
  const rollout = await readRollout(page.request, id);
  expect(rollout).toMatchObject({ state: "complete", strategy: "canary" });
  const shares = rollout.events.filter(({ kind }) => kind === "traffic").map(({ message }) => /(\d+) ?%/.exec(message)?.[1]);
  expect(shares.toReversed()).toEqual(expect.arrayContaining(["10", "50", "100"]));
  expect(rollout.measurements.filter(({ verdict }) => verdict === "good").length).toBeGreaterThan(3);
  expect(await versionsOfPods()).toEqual([image]);
  expect(kubectl("-n", "fleet", "get", "deployments,services", "-o", "name")).not.toContain("candidate");
  expect(await probesSince("relay", before)).toMatchObject(nothingLost);
});

test("a slow version is aborted by its analysis within two minutes, with a sentence in numbers, and nothing is lost", async ({
  page,
}) => {
  const hook = await incidentHook(page.request);
  const before = await readProbes("relay");
  const { image, version } = await readService(page.request, "relay");
  const { code, printed, id } = await rollOut({ IMAGE: "switchyard/relay:2.2.0", REASON: "less work for each commit" });
  expect(code, printed).toBe(1);
  const rollout = await readRollout(page.request, id);
  expect(rollout.state).toBe("aborted");
  expect(rollout.message).toMatch(/\d/);
  expect(printed).toContain(rollout.message);
  expect(seconds(rollout.startedAt, rollout.finishedAt)).toBeLessThan(120);
  expect(rollout.events.map(({ kind }) => kind)).toContain("aborted");
  expect(await versionsOfPods()).toEqual([image]);
  expect(await readService(page.request, "relay")).toMatchObject({ version, candidate: null });
  expect(await probesSince("relay", before)).toMatchObject(nothingLost);
  expect(await hook.called()).toMatchObject({
    event: "rollout-aborted",
    url: `${system.url}/rollouts/${id}`,
    text: rollout.message,
  });
  await hook.remove();
});

test("blue and green are switched, and back to the service's own instances at the end, without a failed request", async ({
  page,
}) => {
  const before = await readProbes("relay");
  const image = await anotherGood(page.request);
  const STRATEGY = JSON.stringify(blueGreen(5));
  const { code, printed, id } = await rollOut({ IMAGE: image, REASON: "blue and green", STRATEGY });
  expect(code, printed).toBe(0);
  expect(await readRollout(page.request, id)).toMatchObject({ state: "complete", strategy: "blue-green" });
  expect(await versionsOfPods()).toEqual([image]);
  const counted = await probesSince("relay", before);
  expect(counted).toMatchObject({ ...nothingLost, failed: 0 });
  expect(counted.requests).toBeGreaterThan(100);
});

test("a switch is taken back at once while the old colour lives, without a failed request", async ({ page }) => {
  const before = await readProbes("relay");
  const { image } = await readService(page.request, "relay");
  const STRATEGY = JSON.stringify(blueGreen(300));
  const following = rollOut({ IMAGE: await anotherGood(page.request), REASON: "there and back", STRATEGY });
  const selector = () => kubectl("-n", "fleet", "get", "service", "relay", "-o", "jsonpath={.spec.selector}");
  const atFirst = selector();
  let id = "";
  await expect(async () => {
    const { items } = await (await page.request.get("/api/rollouts?service=relay&limit=1")).json();
    id = items[0].id;
    const { events } = await readRollout(page.request, id);
    expect(events.map(({ message }) => message)).toContain("All traffic goes to the candidate.");
    expect(selector()).not.toBe(atFirst);
  }).toPass({ timeout: 180_000, intervals: [500] });
  const green = selector();

  const asked = Date.now();
  const answer = await page.request.post(`/api/rollouts/${id}/abort`, {
    data: { reason: "the old colour was better" },
    headers: { "Idempotency-Key": randomUUID(), Origin: system.url },
  });
  expect(answer.ok(), await answer.text()).toBe(true);
  await expect(async () => expect(selector()).not.toBe(green)).toPass({ timeout: 30_000, intervals: [100] });
  expect(Date.now() - asked).toBeLessThan(10_000);
  expect((await following).code).toBe(1);
  expect(selector()).toBe(atFirst);
  expect(await versionsOfPods()).toEqual([image]);
  expect(await probesSince("relay", before)).toMatchObject({ ...nothingLost, failed: 0 });
});

test("a rollback by click is verified by the prober within a minute", async ({ page }) => {
  const address = kubectl("-n", "monitoring", "get", "svc", "prometheus", "-o", "jsonpath={.spec.clusterIP}");
  /** What 95 of 100 insertions took, as a client saw them in the last 30 s. */
  const p95Ms = async () => {
    const buckets = 'sum by (le) (rate(switchyard_probe_latency_seconds_bucket{target="relay",operation="insert"}[30s]))';
    const query = encodeURIComponent(`histogram_quantile(0.95, ${buckets})`);
    const { data } = await (await page.request.get(`http://${address}:9090/api/v1/query?query=${query}`)).json();
    return Number(data.result[0]?.value[1]) * 1000;
  };
  const { uid, templateHash, container } = await readService(page.request, "relay");
  const image = "switchyard/relay:2.2.0";
  const seen = { uid, templateHash };
  expect((await act(page.request, "relay", "image", { container, image, reason: "all at once", seen })).status()).toBe(202);
  await expect(async () => expect(await p95Ms()).toBeGreaterThan(50)).toPass({ timeout: 120_000, intervals: [1_000] });

  await page.goto("/fleet/fleet/relay");
  await page.getByRole("button", { name: "Roll back" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason").fill("too slow");
  const clicked = Date.now();
  await dialog.getByRole("button", { name: /^Roll back relay/ }).click();
  await expect(dialog.getByRole("status")).toContainText("Done", { timeout: 120_000 });
  await expect(async () => expect(await p95Ms()).toBeLessThan(50)).toPass({ timeout: 120_000, intervals: [500] });
  expect((Date.now() - clicked) / 1000).toBeLessThan(60);
});
