// @vitest-environment jsdom
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { aDrill, aDrillPreview } from "#lib/client/drill-fixtures.ts";
import { anInstance, aService } from "#lib/client/fixtures.ts";
import { aBackup, aCoverage, aPlan, aRestore } from "#lib/client/recovery-fixtures.ts";
import { RecoveryPage } from "./recovery-page.tsx";
import { begin, end, server, show } from "./recovery-test-world.tsx";

const router = { push: vi.fn() };
vi.mock("next/navigation", () => ({
  useRouter: () => router,
  usePathname: () => "/recovery",
  useSearchParams: () => new URLSearchParams(),
}));
beforeEach(() => {
  begin();
  router.push.mockClear();
  server.answers = {
    "GET /api/recovery/coverage": [aCoverage()],
    "GET /api/drills": { items: [], nextCursor: null },
    "GET /api/backups": { items: [], nextCursor: null },
    "GET /api/restores": { items: [], nextCursor: null },
    "GET /api/backup-plans": aPlan(),
    "POST /api/drills/preview": aDrillPreview(),
  };
});
afterEach(end);

const rows = (table: string) =>
  within(screen.getByRole("table", { name: table }))
    .getAllByRole("row")
    .slice(1)
    .map((row) => row.textContent);

describe("the coverage", () => {
  it("stands with its problems first, each with what would be lost now beside what may be", async () => {
    server.answers["GET /api/recovery/coverage"] = [
      aCoverage({ subject: "fleet/hub", service: "hub", state: "fresh", exposureSeconds: 30 }),
      aCoverage(),
      aCoverage({
        subject: "switchyard",
        service: null,
        state: "missing",
        exposureSeconds: null,
        newestVerified: null,
        newest: null,
      }),
    ];
    show(<RecoveryPage />);
    await screen.findByText("Switchyard itself");
    const [first, second, third] = rows("Coverage");
    expect(first).toContain("No backupSwitchyard itselfeverything––");
    expect(second).toContain("Stalerelay20 m of 1 m");
    expect(third).toMatch(/^Freshhub/);
    expect(screen.getByText("1 without a backup")).toBeDefined();
    expect(screen.getByText("1 stale")).toBeDefined();
  });

  it("tells a newest backup that failed beside the newest that is verified", async () => {
    const newest = aBackup({
      id: "b13",
      number: 13,
      state: "failed",
      proof: "unverified",
      message: "pg_dump ended with code 1.",
    });
    server.answers["GET /api/recovery/coverage"] = [aCoverage({ newest })];
    show(<RecoveryPage />);
    await screen.findByText("B-12");
    expect(rows("Coverage")[0]).toContain("B-13Failedpg_dump ended with code 1.");
  });

  it("leads from a service to its recovery, and from Switchyard itself to its backups", async () => {
    server.answers["GET /api/recovery/coverage"] = [aCoverage(), aCoverage({ subject: "switchyard", service: null })];
    show(<RecoveryPage />);
    fireEvent.click(await screen.findByRole("row", { name: "relay stale" }));
    fireEvent.click(screen.getByRole("row", { name: "Switchyard itself stale" }));
    expect(router.push.mock.calls).toEqual([["/fleet/fleet/relay?tab=recovery"], ["/recovery/backups?subject=switchyard"]]);
  });
});

it("shows what is under way, and nothing of it when nothing is", async () => {
  show(<RecoveryPage />);
  await screen.findByText("Nothing was ever tried");
  expect(screen.queryByText("Under way")).toBeNull();
  end();
  begin();
  server.answers = {
    "GET /api/backups": {
      items: [aBackup({ state: "running", message: "PostgreSQL is read." }), aBackup({ id: "old" })],
      nextCursor: null,
    },
    "GET /api/restores": { items: [aRestore()], nextCursor: null },
    "GET /api/drills": { items: [aDrill({ state: "running", verdict: null, finishedAt: null })], nextCursor: null },
  };
  show(<RecoveryPage />);
  const list = within(await screen.findByRole("region", { name: "Under way" }));
  await waitFor(() => expect(list.getAllByRole("listitem")).toHaveLength(3));
  expect(list.getAllByRole("link").map((link) => link.getAttribute("href"))).toEqual([
    "/recovery/drills/drill-5",
    "/recovery/restores/restore-3",
    "/recovery/backups/backup-12",
  ]);
});

it("shows of each scenario the newest drill beside its objective, misses in red", async () => {
  const missed = aDrill({
    id: "d",
    scenario: "node",
    title: "Node failure",
    verdict: "missed",
    rtoMs: 190_000,
    rtoObjectiveMs: 120_000,
    lostWrites: 3,
  });
  server.answers["GET /api/drills"] = {
    items: [aDrill(), aDrill({ id: "older", createdAt: "2026-01-01T00:00:00.000Z" }), missed],
    nextCursor: null,
  };
  show(<RecoveryPage />);
  await screen.findByText("Node failure");
  expect(rows("Measured")).toHaveLength(2);
  expect(rows("Measured")[0]).toContain("3 m 10 s of 2 m");
  expect(screen.getByText("3 m 10 s").className).toContain("text-bad");
  expect(rows("Measured")[1]).toContain("4.2 s of 30 s0 s of 0 s");
});

describe("a backup that is made now", () => {
  it("says what goes into it, asks why, is sent once for its key, and is followed under its address", async () => {
    server.answers["POST /api/backups"] = { id: "backup-13", number: 13 };
    show(<RecoveryPage />);
    fireEvent.click(screen.getByRole("button", { name: "Back up now" }));
    const dialog = within(screen.getByRole("dialog"));
    fireEvent.click(dialog.getByRole("button", { name: "Back up" }));
    expect(dialog.getByText("Choose what to back up.")).toBeDefined();
    fireEvent.change(dialog.getByLabelText("Service"), { target: { value: "fleet/relay" } });
    expect(await dialog.findByText("relay-database/url")).toBeDefined();
    fireEvent.change(dialog.getByLabelText("Reason"), { target: { value: "before the move" } });
    fireEvent.click(dialog.getByRole("button", { name: "Back up relay" }));
    await waitFor(() => expect(router.push).toHaveBeenCalledWith("/recovery/backups/backup-13"));
    expect(server.sent).toEqual([
      {
        method: "POST",
        path: "/api/backups",
        body: { subject: "fleet/relay", reason: "before the move" },
        key: expect.stringMatching(/^[0-9a-f]{32}$/),
      },
    ]);
  });

  it("is for operators, and says so", () => {
    show(<RecoveryPage />, "viewer");
    const button = screen.getByRole("button", { name: "Back up now" });
    expect(button.getAttribute("aria-description")).toBe("Needs the role operator; yours is viewer. Ask an administrator.");
    fireEvent.click(button);
    expect(screen.queryByRole("dialog")).toBeNull();
  });
});

describe("a drill that is begun", () => {
  async function open(role: "operator" | "admin" = "operator") {
    show(<RecoveryPage />, role);
    fireEvent.click(screen.getByRole("button", { name: "Start a drill" }));
    const dialog = within(screen.getByRole("dialog"));
    fireEvent.change(dialog.getByLabelText("Service"), { target: { value: "fleet/relay" } });
    fireEvent.change(dialog.getByLabelText("Scenario"), { target: { value: "instance" } });
    await dialog.findByText("Kill one instance of relay without grace.");
    fireEvent.change(dialog.getByLabelText("Reason"), { target: { value: "quarterly" } });
    return dialog;
  }
  const sentence = "Drill: Instance failure on relay";

  it("offers the scenarios of the service's kind only", async () => {
    show(<RecoveryPage />);
    fireEvent.click(screen.getByRole("button", { name: "Start a drill" }));
    const dialog = within(screen.getByRole("dialog"));
    fireEvent.change(dialog.getByLabelText("Service"), { target: { value: "fleet/hub" } });
    const offered = within(dialog.getByLabelText("Scenario"))
      .getAllByRole("option")
      .map(({ textContent }) => textContent);
    expect(offered).toContain("Hub failure");
    expect(offered).not.toContain("Redis failure");
  });

  it("says its steps, its objective and what it cannot show, and is followed under its address", async () => {
    server.answers["POST /api/drills"] = { id: "drill-6", number: 6 };
    const dialog = await open();
    expect(dialog.getByText("One instance of three: the loss of all of them is not shown.")).toBeDefined();
    expect(dialog.getByText(/Away for at most/).textContent).toBe("Away for at most 30 s, losing at most nothing.");
    fireEvent.click(dialog.getByRole("button", { name: sentence }));
    await waitFor(() => expect(router.push).toHaveBeenCalledWith("/recovery/drills/drill-6"));
    expect(server.sent[0]?.body).toMatchObject({
      scenario: "instance",
      subject: "fleet/relay",
      override: null,
      reason: "quarterly",
    });
  });

  it("strikes the instance that is chosen of those that run, and one chosen by itself otherwise", async () => {
    const [a, b] = [anInstance({ name: "relay-a" }), anInstance({ name: "relay-b" })];
    server.answers["GET /api/services/fleet/relay"] = { service: aService(), instances: [b, a], events: [], figures: {} };
    server.answers["POST /api/drills"] = { id: "drill-6", number: 6 };
    const dialog = await open();
    await dialog.findByRole("option", { name: "relay-a" });
    const field = within(dialog.getByLabelText("Instance"));
    expect(field.getAllByRole("option").map(({ textContent }) => textContent)).toEqual([
      "Chosen by itself",
      "relay-a",
      "relay-b",
    ]);
    fireEvent.change(dialog.getByLabelText("Instance"), { target: { value: "relay-b" } });
    await waitFor(() => {
      fireEvent.click(dialog.getByRole("button", { name: sentence }));
      expect(server.sent[0]?.body).toMatchObject({ settings: { target: "relay-b" } });
    });
  });

  it("does not begin while a guard rail blocks it, whoever asks", async () => {
    const blocked = { name: "Nothing is unhealthy", state: "blocked" as const, message: "hub is degraded." };
    server.answers["POST /api/drills/preview"] = aDrillPreview({ guards: [blocked] });
    const dialog = await open("admin");
    const button = dialog.getByRole("button", { name: sentence });
    expect(button.getAttribute("aria-description")).toBe("hub is degraded.");
    fireEvent.click(button);
    expect(server.sent).toEqual([]);
  });

  it("begins against a guard rail with an administrator's word, which it sends along", async () => {
    const guard = { name: "Cluster allows drills", state: "override" as const, message: "fleet is not labelled for drills." };
    server.answers["POST /api/drills/preview"] = aDrillPreview({ guards: [guard] });
    server.answers["POST /api/drills"] = { id: "drill-6", number: 6 };
    const dialog = await open("admin");
    expect(dialog.getByRole("button", { name: sentence }).getAttribute("aria-description")).toBe(guard.message);
    fireEvent.click(dialog.getByRole("checkbox", { name: /Override as administrator/ }));
    fireEvent.click(dialog.getByRole("button", { name: sentence }));
    expect(dialog.getByText("Say why it may be done all the same.")).toBeDefined();
    fireEvent.change(dialog.getByLabelText("Why it may be done all the same"), { target: { value: "a test cluster" } });
    fireEvent.click(dialog.getByRole("button", { name: sentence }));
    await waitFor(() => expect(server.sent).toHaveLength(1));
    expect(server.sent[0]?.body).toMatchObject({ override: "a test cluster" });
  });

  it("tells an operator that an override is an administrator's", async () => {
    const guard = { name: "Cluster allows drills", state: "override" as const, message: "fleet is not labelled for drills." };
    server.answers["POST /api/drills/preview"] = aDrillPreview({ guards: [guard] });
    const dialog = await open();
    expect(dialog.getByRole<HTMLInputElement>("checkbox", { name: /Override as administrator/ }).disabled).toBe(true);
  });
});
