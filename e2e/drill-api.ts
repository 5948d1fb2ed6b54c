import { randomUUID } from "node:crypto";
import { type APIRequestContext, expect } from "@playwright/test";
import type { DrillDetail, DrillView } from "#lib/domain/recovery/drills/schemas.ts";
import type { Scenario } from "#lib/domain/recovery/schemas.ts";
import { readService } from "./fleet-api.ts";

/** Drills of the demo fleet, asked for as a person does, and followed to their end. */

export type DrillOrder = { scenario: Scenario; subject: string; settings?: object; override?: string; reason: string };

const services = ["relay", "hub", "edge", "connector", "redis", "postgres", "prober", "issuer"];
/** What the drill before leaves behind: alerts that have to go out, pods that have to come back. */
const patience = { timeout: 180_000, intervals: [2_000] };

/** Waits until every service of the demo fleet is healthy. */
export async function untilWell(request: APIRequestContext): Promise<void> {
  for (const name of services) {
    await expect
      .poll(async () => (await readService(request, name)).health, {
        timeout: 120_000,
        intervals: [500],
        message: `${name} is not healthy`,
      })
      .toBe("healthy");
  }
}

/**
 * Waits until the guard rails permit it, begins it, and resolves to how it ended. `beforeEach` may clear out of its way, before each
 * time that it is asked for, what would not go by itself.
 */
export async function carryOutDrill(
  request: APIRequestContext,
  order: DrillOrder,
  beforeEach: () => Promise<void> = async () => {},
): Promise<DrillDetail> {
  await untilWell(request);
  const begun = await beginDrill(request, order, beforeEach);
  const read = async (): Promise<DrillDetail> => (await request.get(`/api/drills/${begun.id}`)).json();
  await expect.poll(async () => (await read()).drill.finishedAt, { timeout: 600_000, intervals: [1_000] }).not.toBeNull();
  return read();
}

async function beginDrill(request: APIRequestContext, order: DrillOrder, beforeEach: () => Promise<void>): Promise<DrillView> {
  let begun: DrillView | undefined;
  await expect(async () => {
    await beforeEach();
    const answer = await request.post("/api/drills", { data: order, headers: { "Idempotency-Key": randomUUID() } });
    expect(answer.status(), await answer.text()).toBe(201);
    begun = await answer.json();
  }).toPass(patience);
  return begun as DrillView;
}
