// @vitest-environment jsdom
import { cleanup, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { aBlocker, aCheck, aPreflightRecord } from "#lib/client/rollout-fixtures.ts";
import { rolloutPreflightQuery } from "#lib/client/rollouts.ts";
import type { PreflightRecord } from "#lib/domain/rollouts/start/start-schemas.ts";
import { show } from "../../fleet/[namespace]/[name]/rollout/_components/rollout-test-world.tsx";
import { CheckedBefore } from "./checked-before.tsx";

beforeEach(() => void vi.useFakeTimers({ now: Date.parse("2026-11-21T12:00:00.000Z"), toFake: ["Date"] }));
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

async function showRecord(record: PreflightRecord | null) {
  vi.stubGlobal("fetch", async (path: string) => Response.json(path === "/api/rollouts/rollout-1/preflight" ? record : {}));
  const { queries } = show(<CheckedBefore id="rollout-1" />, "viewer");
  await waitFor(() => expect(queries.getQueryState(rolloutPreflightQuery("rollout-1").queryKey)?.status).toBe("success"));
  if (record) await screen.findByRole("region", { name: "Checked before" });
  return { line: () => screen.getByRole("button", { name: /^Checked before:/ }) };
}

const answeredAt = "2026-11-21T11:58:00.000Z";
const answered = aCheck({ id: "tests", group: "manual", title: "All of its tests pass" });
const asked = aCheck({ id: "load-test", group: "manual", title: "Load tests were done", state: "manual" });

describe("what was checked before a rollout", () => {
  it("is one line when all passed, with who answered for what a person has to answer", async () => {
    const ticks = [{ id: "tests", by: "olga", at: answeredAt }];
    const { line } = await showRecord(aPreflightRecord({ checklist: [aCheck(), answered], ticks }));
    expect(line().textContent).toBe("Checked before: 1 check passed, 1 answered for by olga");
    expect(screen.queryAllByRole("listitem")).toEqual([]);
  });

  it("opens to each item with its answer, who gave it and when", async () => {
    const ticks = [{ id: "tests", by: "olga", at: answeredAt }];
    const { line } = await showRecord(aPreflightRecord({ checklist: [aCheck(), answered, asked], ticks }));
    fireEvent.click(line());
    expect(line().getAttribute("aria-expanded")).toBe("true");
    expect(screen.getByText("The cluster accepts it.")).toBeDefined();
    const items = within(screen.getByRole("region", { name: "Checklist" })).getAllByRole("listitem");
    expect(items.map((item) => [item.querySelector("[aria-label]")?.getAttribute("aria-label"), item.textContent])).toEqual([
      ["Passed", "Readiness probeIt has one."],
      ["Answered for", "All of its tests passolga, 2 m ago"],
      ["Not answered for", "Load tests were doneNobody answered for it."],
    ]);
    expect(screen.queryByRole("checkbox")).toBeNull();
    fireEvent.click(line());
    expect(screen.queryByText("Load tests were done")).toBeNull();
  });

  it("says what failed and what was overridden also while it is closed", async () => {
    const failed = aCheck({ id: "limits", title: "Limits for CPU and memory", state: "failed", detail: "relay has none." });
    const override = { reason: "the fix cannot wait", by: "ada", at: answeredAt };
    const { line } = await showRecord(aPreflightRecord({ checklist: [failed], blockers: [aBlocker()], override }));
    expect(line().textContent).toContain("1 failed, 1 overridden by ada: the fix cannot wait");
    expect(screen.getAllByRole("listitem").map(({ textContent }) => textContent)).toEqual([
      "Overridden: All rollouts are frozen until 2026-11-21 13:00 UTC: the fair.",
      "Limits for CPU and memory: relay has none.",
    ]);
    fireEvent.click(line());
    expect(within(screen.getByRole("list", { name: "What stood against it" })).getByRole("listitem").textContent).toBe(
      "All rollouts are frozen until 2026-11-21 13:00 UTC: the fair. Overridden by ada, 2 m ago: the fix cannot wait",
    );
  });

  it("is not there for a change that was written at once", async () => {
    await showRecord(null);
    expect(screen.queryByRole("region")).toBeNull();
  });
});
