import { type APIRequestContext, expect, type Locator, type Page } from "@playwright/test";
import type { IncidentDetail, IncidentView } from "#lib/domain/incidents/schemas.ts";
import { kubectl } from "./fleet-api.ts";
import { system } from "./system.ts";

/** What journeys of incidents have in common: an incident as the API tells it, and the way back that its page offers. */

/** The incident as a script with a token sees it. */
export async function readIncident(request: APIRequestContext, id: string): Promise<IncidentDetail> {
  const answer = await request.get(`/api/incidents/${id}`);
  expect(answer.ok(), await answer.text()).toBe(true);
  return answer.json();
}

/** The open incidents that concern a service of the demo fleet. */
export async function listOpenIncidents(request: APIRequestContext, service: string): Promise<IncidentView[]> {
  const { items } = await (await request.get(`/api/incidents?state=open&namespace=fleet&service=${service}`)).json();
  return items;
}

/** Gives an incident's command as the page does. */
export function commandIncident(request: APIRequestContext, id: string, command: string, data: object = {}) {
  const headers = { "Idempotency-Key": crypto.randomUUID(), Origin: system.url };
  return request.post(`/api/incidents/${id}/${command}`, { data, headers });
}

/** Resolves what is open of a service of the demo fleet, whatever stands against it. Resolves to the names of the incidents. */
export async function resolveAll(request: APIRequestContext, service: string): Promise<string[]> {
  const open = await listOpenIncidents(request, service);
  for (const { id } of open) {
    const answer = await commandIncident(request, id, "resolve", { override: { reason: "it was only a journey" } });
    expect(answer.ok(), await answer.text()).toBe(true);
  }
  return open.map(({ number, title }) => `INC-${number} ${title}`);
}

/** The id in the address of an incident's page. */
export function incidentOf(page: Page): string {
  return /\/incidents\/([0-9a-f-]{36})/.exec(page.url())?.[1] ?? "";
}

/** The part of an incident's page below a heading. */
export const part = (page: Page, name: string): Locator => page.getByRole("region", { name, exact: true });

const verified =
  /Rollback of relay verified: p95 over 30 s is (?<after>[\d.]+ m?s), was (?<before>[\d.]+ m?s); (?<seconds>\d+) s after the click/;

/**
 * Rolls the first suspect back from an incident's page and waits until its data say that it helped; every click is counted, and the
 * time runs from the one that starts the rollback. `meanwhile` is what else has to happen once the old version runs again.
 */
export async function rollBackVerified(
  page: Page,
  meanwhile: () => Promise<void> = async () => {},
): Promise<{ clicks: number; seconds: number; sentence: string }> {
  let clicks = 0;
  const click = async (target: Locator) => {
    clicks += 1;
    await target.click();
  };
  await click(
    part(page, "What changed just before")
      .getByRole("button", { name: /^Roll back relay/ })
      .first(),
  );
  const dialog = page.getByRole("dialog");
  // The reason is there already: nobody has to type at 3 a.m.
  await expect(dialog.getByLabel("Reason")).toHaveValue(/^INC-\d+: ./);
  const start = dialog.getByRole("button", { name: /^Roll back relay/ });
  await expect(start).toBeEnabled();
  const clicked = Date.now();
  await click(start);
  await expect(dialog.getByRole("status")).toContainText("Done", { timeout: 120_000 });
  await click(dialog.getByRole("button", { name: "Close" }).last());
  await meanwhile();
  const verdict = part(page, "Recovery").getByText(verified);
  await expect(verdict).toBeVisible({ timeout: 120_000 });
  const seconds = (Date.now() - clicked) / 1000;
  return { clicks, seconds, sentence: verified.exec((await verdict.textContent()) ?? "")?.[0] ?? "" };
}

/**
 * Waits until the relay has been quick for 30 s, as an incident's watch sees it: what was bad before a release began would be measured
 * as part of its impact.
 */
export async function untilRelayIsQuick(request: APIRequestContext): Promise<void> {
  const address = kubectl("-n", "monitoring", "get", "svc", "prometheus", "-o", "jsonpath={.spec.clusterIP}");
  const operations = 'target="relay",operation!~"token|converge|connect"';
  const buckets = `sum by (le) (increase(switchyard_probe_latency_seconds_bucket{${operations}}[30s]))`;
  const query = encodeURIComponent(`histogram_quantile(0.95, ${buckets})`);
  await expect(async () => {
    const { data } = await (await request.get(`http://${address}:9090/api/v1/query?query=${query}`)).json();
    expect(Number(data.result[0]?.value[1])).toBeLessThan(0.05);
  }).toPass({ timeout: 180_000, intervals: [1_000] });
}

/** One line of what a journey measured, for whoever reads its output. */
export function print(line: string): void {
  process.stdout.write(`  ${line}\n`);
}
