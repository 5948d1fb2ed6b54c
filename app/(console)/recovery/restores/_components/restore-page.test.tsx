// @vitest-environment jsdom
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, it } from "vitest";
import { aRestore } from "#lib/client/recovery-fixtures.ts";
import { restoreQuery } from "#lib/client/restores.ts";
import type { RestoreView } from "#lib/domain/recovery/restores/schemas.ts";
import { begin, end, server, show as showIn } from "../../_components/recovery-test-world.tsx";
import { RestorePage } from "./restore-page.tsx";

const { id } = aRestore();
beforeEach(begin);
afterEach(end);

async function show(over: Partial<RestoreView> = {}, role: "operator" | "admin" = "operator") {
  server.answers[`GET /api/restores/${id}`] = aRestore(over);
  const queries = showIn(<RestorePage id={id} />, role);
  await screen.findByRole("heading", { level: 1 });
  return (next: Partial<RestoreView>) => queries.setQueryData(restoreQuery(id).queryKey, aRestore(next));
}
const steps = () => within(screen.getByRole("list", { name: "Steps" })).getAllByRole("listitem");

it("shows its steps live: what is done, what is done now, what comes", async () => {
  const set = await show();
  expect(steps().map((step) => step.textContent)).toEqual([
    expect.stringContaining("doneRead the archive12 MiB, every checksum good.5 s"),
    expect.stringContaining("nowRestore PostgreSQL55 s"),
    "to comeCompare",
  ]);
  const [first] = aRestore().steps;
  if (!first) throw new Error("The restore has steps.");
  set({
    state: "failed",
    message: "pg_restore ended with code 1.",
    steps: [{ ...first, state: "failed", message: "disk full" }],
  });
  await waitFor(() => expect(screen.getByText("disk full").className).toContain("text-bad"));
  expect(screen.getByRole("status").textContent).toBe("Failed");
  expect(screen.queryByRole("button", { name: "Cancel" })).toBeNull();
});

it("shows what was found against the backup, and where the former present is kept", async () => {
  await show({
    mode: "in-place",
    state: "completed",
    finishedAt: "2026-11-21T11:59:30.000Z",
    safetyBackup: { id: "backup-13", number: 13 },
    checks: [{ name: "Rows of documents", wanted: "1180", found: "1180", passed: true }],
  });
  expect(screen.getByText("1 check passed")).toBeDefined();
  expect(screen.getByText("Healthy").closest("dd")?.textContent).toBe("Healthy3/3 ready");
  expect(screen.getByRole("link", { name: "B-13" }).getAttribute("href")).toBe("/recovery/backups/backup-13");
  expect(screen.getByRole("heading", { level: 1 }).textContent).toContain("relay: in place from B-12");
});

it("is cancelled with a reason; in place only by an administrator", async () => {
  server.answers[`POST /api/restores/${id}/cancel`] = {};
  await show();
  fireEvent.click(screen.getByRole("button", { name: "Cancel" }));
  const dialog = within(screen.getByRole("dialog"));
  fireEvent.change(dialog.getByLabelText("Reason"), { target: { value: "the wrong one" } });
  fireEvent.click(dialog.getByRole("button", { name: "Cancel R-3" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(server.sent[0]).toMatchObject({ path: `/api/restores/${id}/cancel`, body: { reason: "the wrong one" } });
  end();
  begin();
  await show({ mode: "in-place" });
  expect(screen.getByRole("button", { name: "Cancel" }).getAttribute("aria-description")).toContain("Needs the role admin");
});
