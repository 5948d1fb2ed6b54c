import { randomUUID } from "node:crypto";
import { type APIRequestContext, expect } from "@playwright/test";
import type { BackupDetail } from "#lib/domain/recovery/backups/schemas.ts";
import { system } from "./system.ts";

/** Backs a subject up now, and resolves to the backup once it was saved and read back. */
export async function backUp(request: APIRequestContext, order: { subject: string; reason: string }): Promise<BackupDetail> {
  const headers = { "Idempotency-Key": randomUUID(), Origin: system.url };
  const asked = await request.post("/api/backups", { data: order, headers });
  expect(asked.status(), await asked.text()).toBe(201);
  const { id } = await asked.json();
  const read = async (): Promise<BackupDetail> => (await request.get(`/api/backups/${id}`)).json();
  await expect(async () => {
    expect((await read()).backup).toMatchObject({ state: "completed", proof: "checksums" });
  }).toPass({ timeout: 240_000, intervals: [500] });
  return read();
}
