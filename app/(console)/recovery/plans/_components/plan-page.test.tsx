// @vitest-environment jsdom
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { planQuery } from "#lib/client/backups.ts";
import { aPlan } from "#lib/client/recovery-fixtures.ts";
import type { PlanAnswer } from "#lib/domain/recovery/backups/schemas.ts";
import { begin, end, server, show as showIn } from "../../_components/recovery-test-world.tsx";
import { PlanPage } from "./plan-page.tsx";

beforeEach(begin);
afterEach(end);

async function show(over: Partial<PlanAnswer> = {}, role: "operator" | "admin" = "admin") {
  const plan = aPlan(over);
  server.answers[`GET /api/backup-plans`] = plan;
  const queries = showIn(<PlanPage subject={plan.subject} />, role);
  await screen.findByRole("form", { name: "Backup plan" });
  return (next: Partial<PlanAnswer>) => queries.setQueryData(planQuery(plan.subject).queryKey, aPlan(next));
}
const field = (label: string) => screen.getByLabelText<HTMLInputElement>(label);
const type = (label: string, value: string) => fireEvent.change(field(label), { target: { value } });
const save = () => fireEvent.click(screen.getByRole("button", { name: "Save the plan of relay" }));

describe("the plan of a service", () => {
  it("shows what was found by itself, and takes it on request", async () => {
    const { contents } = aPlan();
    await show({ found: { ...contents, redis: { url: "redis://redis:6379", address: null } } });
    expect(screen.getByText(/Found by itself: PostgreSQL, Redis, Kubernetes objects\./)).toBeDefined();
    expect(screen.queryByLabelText("Redis address")).toBeNull();
    fireEvent.click(screen.getByRole("button", { name: "Take what was found" }));
    expect(field("Redis address").value).toBe("redis://redis:6379");
  });

  it("says of one that nobody has set that backups are made on request only", async () => {
    await show({ isSet: false, cron: null, updatedAt: null, updatedBy: null, nextBackupAt: null });
    expect(screen.getByText(/Nobody has set one: backups are made on request only/)).toBeDefined();
    expect(screen.getByText(/Found by itself: PostgreSQL, Kubernetes objects, as below\./)).toBeDefined();
  });

  it("says a schedule in words with its next five times in its zone", async () => {
    await show({ timeZone: "Europe/Berlin" });
    const words = screen.getByText(/^Every day at 02:00\. Next:/).textContent ?? "";
    expect(words.match(/2026-11-\d\d \d\d:\d\d(?= GMT\+1| CET)/g)).toEqual(
      [22, 23, 24, 25, 26].map((day) => `2026-11-${day} 02:00`),
    );
  });

  it("says at once what is no schedule", async () => {
    await show();
    fireEvent.change(screen.getByLabelText("A backup is made"), { target: { value: "own" } });
    type("A backup is made: schedule", "61 * * * *");
    expect((await screen.findByRole("alert")).textContent).toContain("Give five fields");
  });

  it("asks what another retention would let go of, before it is saved", async () => {
    server.answers["GET /api/backup-plans/retention"] = {
      keep: [{ id: "b", number: 12, takenAt: "2026-11-21T11:40:02.000Z", keptFor: ["last 1 of 1", "the newest verified one"] }],
      remove: [{ id: "a", number: 11, takenAt: "2026-11-20T11:40:02.000Z", keptFor: [] }],
    };
    await show();
    type("Last", "1");
    expect(await screen.findByText("1 backup would go, 1 would stay")).toBeDefined();
    await waitFor(() => expect(server.asked.some((path) => path.includes("keepLast=1&"))).toBe(true));
    const rows = within(screen.getByRole("region", { name: "What would go" })).getAllByRole("listitem");
    expect(rows.map((row) => row.textContent)).toEqual([expect.stringContaining("B-12"), expect.stringMatching(/B-11.*goes$/)]);
    expect(server.sent).toEqual([]);
  });

  it("is saved as a whole with its reason, and says so", async () => {
    server.answers["PUT /api/backup-plans"] = aPlan({ cron: null });
    await show();
    fireEvent.change(screen.getByLabelText("A backup is made"), { target: { value: "none" } });
    fireEvent.click(screen.getByRole("checkbox", { name: "Logs of its instances" }));
    type("Reason", "too often");
    save();
    expect(await screen.findByText("Saved.")).toBeDefined();
    const { contents, timeZone, proveCron, retention } = aPlan();
    expect(server.sent).toEqual([
      {
        method: "PUT",
        path: "/api/backup-plans?subject=fleet%2Frelay",
        body: { contents: { ...contents, logHours: 24 }, cron: null, timeZone, proveCron, retention, reason: "too often" },
        key: expect.any(String),
      },
    ]);
  });

  it("names where the server's WAL goes, and keeps that when what was found is taken", async () => {
    server.answers["PUT /api/backup-plans"] = aPlan();
    await show();
    type("WAL archive", "/wal");
    type("Reason", "restores to any instant");
    save();
    expect(await screen.findByText(/^Name the place as file:/)).toBeDefined();
    type("WAL archive", "file:///wal");
    fireEvent.click(screen.getByRole("checkbox", { name: "Logs of its instances" }));
    fireEvent.click(await screen.findByRole("button", { name: "Take what was found" }));
    save();
    expect(await screen.findByText("Saved.")).toBeDefined();
    expect(server.sent[0]?.body).toMatchObject({ contents: { postgres: { walArchive: "file:///wal" } } });
  });

  it("sends nothing that is wrong, and says it at the field", async () => {
    await show();
    type("Last", "0");
    type("Reason", "fewer of them");
    save();
    expect(await screen.findByText("Keep at least one.")).toBeDefined();
    fireEvent.click(screen.getByRole("checkbox", { name: "Redis" }));
    type("Redis address", "redis://:secret@redis:6379");
    save();
    expect(await screen.findByText("Name the Secret that holds the address: this one has a password.")).toBeDefined();
    expect(server.sent).toEqual([]);
  });

  it("keeps what is filled in when somebody else saves meanwhile, and offers theirs", async () => {
    const set = await show();
    type("Daily", "3");
    set({ updatedAt: "2026-11-21T12:00:00.000Z", updatedBy: "otto", retention: { ...aPlan().retention, keepDaily: 14 } });
    expect(await screen.findByText(/otto saved another plan meanwhile/)).toBeDefined();
    expect(field("Daily").value).toBe("3");
    fireEvent.click(screen.getByRole("button", { name: "Take theirs" }));
    expect(field("Daily").value).toBe("14");
  });

  it("is saved by administrators only", async () => {
    await show({}, "operator");
    expect(screen.getByRole("button", { name: "Save the plan of relay" }).getAttribute("aria-description")).toContain(
      "Needs the role admin",
    );
  });

  it("asks for no address of Switchyard's own database", async () => {
    await show({
      subject: "switchyard",
      contents: { ...aPlan().contents, postgres: { address: null, tables: null } },
      found: null,
    });
    expect(screen.queryByLabelText("Secret")).toBeNull();
    expect(screen.getByLabelText("Tables")).toBeDefined();
  });
});
