// @vitest-environment jsdom
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { aDrill, aDrillDetail, aDrillReport } from "#lib/client/drill-fixtures.ts";
import { drillQuery } from "#lib/client/drills.ts";
import type { DrillDetail } from "#lib/domain/recovery/drills/schemas.ts";
import { begin, end, server, show as showIn } from "../../_components/recovery-test-world.tsx";
import { DrillPage } from "./drill-page.tsx";

const { id } = aDrill();
beforeEach(begin);
afterEach(end);

async function show(over: Partial<DrillDetail> = {}) {
  server.answers[`GET /api/drills/${id}`] = aDrillDetail(over);
  const queries = showIn(<DrillPage id={id} />);
  await screen.findByRole("heading", { level: 1 });
  return (next: Partial<DrillDetail>) => queries.setQueryData(drillQuery(id).queryKey, aDrillDetail(next));
}
const running = aDrill({
  state: "running",
  verdict: null,
  rtoMs: null,
  rpoMs: null,
  lostWrites: null,
  finishedAt: null,
  recoveredAt: null,
});
const drawn = (name: string) => document.querySelectorAll(`[data-${name}]`);

describe("the page of a drill", () => {
  it("says the verdict with its shape, and each figure beside its objective with how exact it is", async () => {
    await show();
    const status = screen.getByRole("status");
    expect(within(status).getByText("Met").querySelector("svg")).not.toBeNull();
    expect(screen.getByText("4.2 s", { selector: "dd span" }).closest("div")?.textContent).toContain("objective 30 s, ± 200 ms");
    expect(screen.getByText("of 412 acknowledged")).toBeDefined();
    expect(screen.getByText("3 of 20 probes failed")).toBeDefined();
  });

  it("shows a miss in red with its action item, and what says nothing as inconclusive", async () => {
    const missed = aDrill({ verdict: "missed", rtoMs: 45_000, lostWrites: 2, message: "15 s too long.", actionItemId: "item-1" });
    const set = await show({ drill: missed });
    expect(screen.getByText("15 s too long.").className).toContain("text-bad");
    expect(screen.getByText("45 s", { selector: "dd span" }).className).toContain("text-bad");
    expect(screen.getByRole("link", { name: "made of the miss" })).toBeDefined();
    set({ drill: aDrill({ verdict: "inconclusive", message: "The fault was not confirmed." }) });
    expect((await within(screen.getByRole("status")).findByText("Inconclusive")).className).toContain("text-quiet");
  });

  it("draws the phases, the moments and the objective on one time, and says the same in words", async () => {
    await show();
    expect([...drawn("phase")].map((each) => each.getAttribute("data-phase"))).toEqual([
      "detect",
      "assess",
      "fail-over",
      "recover",
    ]);
    expect([...drawn("mark")].map((each) => each.getAttribute("data-mark"))).toEqual(["fault", "detected", "recovered"]);
    expect(drawn("objective")).toHaveLength(1);
    expect(screen.getByRole("img").getAttribute("aria-label")).toBe(
      "What clients saw: 17 answered, 3 failed. Away for 4.2 s; objective 30 s.",
    );
    const phases = within(screen.getByRole("list", { name: "Phases" })).getAllByRole("listitem");
    expect(phases[0]?.textContent).toBe("Detect2 sProbeInterrupted fired.");
  });

  it("marks the phase that goes on while the drill runs, and says afterwards that it did not end", async () => {
    const phases = aDrillReport().phases.map((phase) =>
      phase.name === "recover" ? { ...phase, endedAt: null, durationMs: null } : phase,
    );
    const set = await show({ drill: running, report: aDrillReport({ phases, ledger: null }) });
    const list = within(screen.getByRole("list", { name: "Phases" }));
    expect(list.getByRole("listitem", { current: "step" }).textContent).toContain("Recover");
    expect(screen.getByText("the ledger was not read yet")).toBeDefined();
    set({ drill: { ...running, state: "aborted" }, report: aDrillReport({ phases, ledger: null }) });
    expect((await list.findByText("not ended")).closest("li")?.getAttribute("aria-current")).toBeNull();
    expect(screen.getByText("no ledger was kept")).toBeDefined();
  });

  it("leaves a gap where nobody told what clients saw", async () => {
    await show();
    const [answered] = [...document.querySelectorAll("path[stroke='var(--good-fill)']")];
    expect(answered?.getAttribute("d")?.match(/M/g)).toHaveLength(2);
  });

  it("says where an objective is that lies hours away", async () => {
    await show({ drill: aDrill({ rtoObjectiveMs: 14_400_000 }) });
    expect(drawn("objective")).toHaveLength(0);
    expect(screen.getByText("The objective, 4 h, lies far to the right.")).toBeDefined();
  });

  it("keeps the account of writes, and stands beside the earlier ones of its kind", async () => {
    await show({ report: aDrillReport({ ledger: { ...ledger(), lost: 2, duplicated: 1 } }) });
    const account = within(screen.getByRole("region", { name: "Ledger of writes" }));
    expect(account.getByText("2").className).toContain("text-bad");
    const over = within(screen.getByRole("list", { name: "The same drill over time" })).getAllByRole("listitem");
    expect(over.map((row) => row.textContent)).toEqual([
      expect.stringMatching(/^DR-5.*4\.2 s.*Met$/),
      expect.stringMatching(/^DR-4.*9 s.*Met$/),
      expect.stringMatching(/^DR-2.*41 s.*Missed$/),
    ]);
  });

  it("follows one that is carried out: the open phase grows, and nothing is claimed before it is measured", async () => {
    const open = aDrillReport({
      ledger: null,
      checks: [],
      phases: [
        {
          name: "detect",
          startedAt: "2026-11-21T11:59:50.000Z",
          endedAt: null,
          durationMs: null,
          message: "Waiting for the alert.",
        },
      ],
    });
    const set = await show({ drill: running, report: open, earlier: [] });
    expect(screen.getByRole("list", { name: "Phases" }).textContent).toBe("Detect10 sWaiting for the alert.");
    expect(screen.getByText("It is read once things are back.")).toBeDefined();
    expect(screen.queryByRole("link", { name: "Markdown" })).toBeNull();
    set({ drill: running, report: null });
    expect(await screen.findByText("Nothing was measured yet.")).toBeDefined();
  });

  it("is aborted with a reason while it is carried out", async () => {
    server.answers[`POST /api/drills/${id}/abort`] = {};
    await show({ drill: running });
    fireEvent.click(screen.getByRole("button", { name: "Abort" }));
    const dialog = within(screen.getByRole("dialog"));
    fireEvent.change(dialog.getByLabelText("Reason"), { target: { value: "a real alert" } });
    fireEvent.click(dialog.getByRole("button", { name: "Abort DR-5" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(server.sent[0]).toMatchObject({ path: `/api/drills/${id}/abort`, body: { reason: "a real alert" } });
  });

  it("is taken as Markdown and printed once it is over", async () => {
    const print = vi.fn();
    vi.stubGlobal("print", print);
    await show();
    expect(screen.getByRole("link", { name: "Markdown" }).getAttribute("href")).toBe(`/api/drills/${id}/report.md`);
    fireEvent.click(screen.getByRole("button", { name: "Print" }));
    expect(print).toHaveBeenCalledOnce();
  });
});

function ledger() {
  const { ledger: kept } = aDrillReport();
  if (!kept) throw new Error("The report has a ledger.");
  return kept;
}
