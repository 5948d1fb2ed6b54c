// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { liveAlertsQuery } from "#lib/client/alerts.ts";
import { aService } from "#lib/client/fixtures.ts";
import { fleetKeys } from "#lib/client/fleet.ts";
import { anIncident, aRecovery, aSuspect, aTimelineRow } from "#lib/client/incident-fixtures.ts";
import { incidentQuery } from "#lib/client/incidents.ts";
import { latestRolloutsQuery } from "#lib/client/rollouts.ts";
import { userKeys } from "#lib/client/users.ts";
import type { IncidentDetail } from "#lib/domain/incidents/schemas.ts";
import type { Role } from "#lib/domain/users/schemas.ts";
import { ActionContext } from "../../../ui/actions/use-actions.ts";
import { TooltipProvider } from "../../../ui/tooltip.tsx";
import { IncidentPage } from "./incident-page.tsx";

vi.mock("next/navigation", () => ({ useSearchParams: () => new URLSearchParams(window.location.search) }));
vi.mock("next/link", () => ({
  default: ({ children, href, ...rest }: { children: ReactNode; href: string }) => (
    <a href={href} {...rest}>
      {children}
    </a>
  ),
}));

type Sent = { method: string; path: string; body: unknown };
const sent: Sent[] = [];
let answer: () => Response;
const actions = { open: vi.fn() };
const id = anIncident().id;

beforeEach(() => {
  sent.length = 0;
  answer = () => Response.json({ id, number: 12, version: 4, message: "Done." });
  sessionStorage.clear();
  vi.useFakeTimers({ now: Date.parse("2026-11-21T12:00:00.000Z"), toFake: ["Date"] });
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  );
  vi.stubGlobal("fetch", async (url: string, init: RequestInit = {}) => {
    // What is asked again while a test looks stays on its way.
    if (init.method === undefined || init.method === "GET") return new Promise(() => {});
    sent.push({
      method: init.method,
      path: url.replace(`/api/incidents/${id}`, ""),
      body: JSON.parse(String(init.body ?? "null")),
    });
    return answer();
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.useRealTimers();
  vi.clearAllMocks();
});

function show(over: Partial<IncidentDetail> = {}, role: Role = "operator") {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Number.POSITIVE_INFINITY } } });
  const set = (next: Partial<IncidentDetail>) => queries.setQueryData(incidentQuery(id).queryKey, anIncident(next));
  set(over);
  queries.setQueryData(userKeys.session, { id: "u", username: "ana", name: "Ana", role });
  queries.setQueryData(fleetKeys.services, { services: [aService()], figures: {}, feeds: [] });
  queries.setQueryData(liveAlertsQuery().queryKey, {
    at: "2026-11-21T12:00:00.000Z",
    items: [],
    total: 0,
    counts: { firing: 0, acknowledged: 0, silenced: 0, inhibited: 0, unknown: 0 },
    firingBySeverity: {},
    sources: [],
  });
  queries.setQueryData(latestRolloutsQuery({ namespace: "fleet", service: "relay" }, 1).queryKey, {
    items: [],
    nextCursor: null,
  });
  render(
    <QueryClientProvider client={queries}>
      <TooltipProvider>
        <ActionContext value={actions}>
          <IncidentPage id={id} />
        </ActionContext>
      </TooltipProvider>
    </QueryClientProvider>,
  );
  return set;
}

const button = (name: string | RegExp) => screen.getByRole("button", { name });
const section = (name: string) => within(screen.getByRole("region", { name }));
const rows = () =>
  within(screen.getByRole("list", { name: "Timeline" }))
    .getAllByRole("listitem")
    .map(({ textContent }) => textContent);

describe("the head of an incident", () => {
  it("says how bad it is, how long it lasts, that nobody has taken it, and when others are told", () => {
    show();
    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("Documents open slowly");
    expect(screen.getByRole("timer", { name: "Lasts" }).textContent).toContain("10 m");
    expect(screen.getByText("Nobody has taken it: people are told again in 6 m")).toBeDefined();
    expect(screen.getByText("Commander", { selector: "dt" }).nextSibling?.textContent).toBe("nobody");
  });

  it("is acknowledged by one key and one request", async () => {
    show();
    fireEvent.keyDown(document.body, { key: "a" });
    await waitFor(() => expect(sent).toEqual([{ method: "POST", path: "/acknowledge", body: {} }]));
  });

  it("acknowledges nothing while somebody types", () => {
    show();
    const note = screen.getByLabelText("Note", { selector: "textarea" });
    fireEvent.keyDown(note, { key: "a" });
    expect(sent).toEqual([]);
  });

  it("shows a viewer what could be done and why they may not", () => {
    show({}, "viewer");
    const acknowledge = button("Acknowledge");
    expect(acknowledge.getAttribute("aria-description")).toContain("Needs the role operator");
    fireEvent.click(acknowledge);
    fireEvent.keyDown(document.body, { key: "a" });
    expect(sent).toEqual([]);
  });

  it("tells of an override as long as the incident is kept", () => {
    show({ overrideReason: "the prober itself was down" });
    expect(screen.getByText(/^Resolved in spite of the evidence/).parentElement?.textContent).toContain(
      "the prober itself was down",
    );
  });
});

describe("what changed just before", () => {
  it("is rolled back from there, with the incident as the reason", () => {
    show({ suspects: [aSuspect()] });
    expect(section("What changed just before").getByText(/p95 20.* ms → 400 ms \(×20/)).toBeDefined();
    fireEvent.click(section("What changed just before").getByRole("button", { name: /^Roll back relay/ }));
    expect(actions.open).toHaveBeenCalledWith({
      verb: "rollback",
      service: "fleet/relay",
      values: {},
      reason: "INC-12: Documents open slowly",
    });
  });
});

it("calls no linked alert over because it is missing in the list of what fires", async () => {
  const link = {
    kind: "alert" as const,
    targetId: "alert-1",
    title: "RelayHighLatency",
    href: "/alerts/alert-1",
    at: "2026-11-21T11:51:00.000Z",
    by: "Switchyard",
  };
  vi.stubGlobal("fetch", async (url: string) =>
    url === "/api/alerts/alert-1"
      ? Response.json({ id: "alert-1", standing: "unknown", startsAt: "2026-11-21T11:50:00.000Z", endsAt: null })
      : new Promise(() => {}),
  );
  show({ links: [link] });
  const row = () => section("What fires").getByRole("listitem").textContent;
  expect(row()).toBe("RelayHighLatencylinked 9 m ago");
  await waitFor(() => expect(row()).toBe("UnknownRelayHighLatency10 m"));
});

describe("recovery", () => {
  it("is shown before, during and now, and not called one while it is bad", () => {
    show({ recovery: aRecovery() });
    const shown = section("Recovery");
    expect(shown.getAllByRole("definition").map(({ textContent }) => textContent)).toEqual(["20 ms", "450 ms", "400 ms"]);
    expect(shown.getByRole("status").textContent).toBe("Latency, p95 is 400 ms, above the limit of 200 ms.");
  });

  it("says from the data when it was over", () => {
    const recoveredAt = "2026-11-21T11:56:30.000Z";
    show({ recovery: aRecovery({ state: "good", now: 0.021, after: 0.02, goodSince: recoveredAt, recoveredAt }) });
    expect(section("Recovery").getByRole("status").textContent).toContain("6 m 30 s after the impact began");
    expect(section("Recovery").getByText("After").nextSibling?.textContent).toBe("20 ms");
  });

  it("is unknown, never good, where the data are missing", () => {
    show({ recovery: aRecovery({ state: "unknown", now: null }) });
    expect(section("Recovery").getByRole("status").textContent).toContain("is not known now");
    expect(section("Recovery").getByText("Now").nextSibling?.textContent).toBe("–");
  });
});

describe("a resolution", () => {
  const blocked = { resolveBlockers: [{ id: "alert-fires" as const, message: "RelayHighLatency fires." }] };

  it("is given with a note when nothing speaks against it", async () => {
    show();
    fireEvent.click(button("Resolve"));
    fireEvent.change(screen.getByLabelText("Note (optional)"), { target: { value: "Rolled back." } });
    fireEvent.click(button("Resolve INC-12"));
    await waitFor(() =>
      expect(sent).toEqual([{ method: "POST", path: "/resolve", body: { note: "Rolled back.", override: null } }]),
    );
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  });

  it("says what speaks against it, and goes past that only with a reason", async () => {
    show(blocked);
    fireEvent.click(button("Resolve"));
    const dialog = within(screen.getByRole("dialog"));
    expect(dialog.getByRole("listitem").textContent).toContain("RelayHighLatency fires.");
    const resolve = () => dialog.getByRole("button", { name: "Resolve INC-12 all the same" });
    expect(resolve().getAttribute("aria-description")).toBe("RelayHighLatency fires.");
    fireEvent.click(dialog.getByRole("checkbox"));
    fireEvent.click(resolve());
    expect(dialog.getByText("Say why, in a few words.")).toBeDefined();
    expect(sent).toEqual([]);
    fireEvent.change(dialog.getByLabelText("Reason"), { target: { value: "the prober itself is down" } });
    fireEvent.click(resolve());
    await waitFor(() => expect(sent[0]?.body).toEqual({ override: { reason: "the prober itself is down" } }));
  });

  it("is freed by what changes while the dialog is open", async () => {
    const change = show(blocked);
    fireEvent.click(button("Resolve"));
    change({ version: 4 });
    fireEvent.click(await screen.findByRole("button", { name: "Resolve INC-12" }));
    await waitFor(() => expect(sent[0]?.body).toEqual({ override: null }));
  });
});

it("takes the moment of a mitigation from the data", async () => {
  const recoveredAt = "2026-11-21T11:56:30.000Z";
  show({ recovery: aRecovery({ state: "good", now: 0.02, recoveredAt }) });
  fireEvent.click(button("Mark mitigated"));
  expect(screen.getByText("When it recovered, by the data.")).toBeDefined();
  fireEvent.click(button("Mark INC-12 mitigated"));
  await waitFor(() => expect(sent).toEqual([{ method: "POST", path: "/mitigate", body: { at: recoveredAt, override: null } }]));
});

describe("the timeline", () => {
  const note = aTimelineRow({
    id: "row-2",
    at: "2026-11-21T11:55:00.000Z",
    kind: "note",
    message: "It is the **cache**.",
    by: "ana",
    source: null,
    href: null,
  });

  it("has the newest first, people's words as Markdown, and leads to the charts of that instant", () => {
    show({ timeline: [aTimelineRow(), note] });
    expect(rows()[0]).toContain("It is the cache.");
    expect(screen.getByText("cache").tagName).toBe("STRONG");
    expect(rows()[1]).toContain("RelayHighLatency fires.");
    expect(screen.getByRole("link", { name: /^Charts at/ }).getAttribute("href")).toBe("/fleet/fleet/relay?from=1&to=2");
  });

  it("is written to from the keyboard, and what is typed stays until it is sent", async () => {
    answer = () => Response.json({ code: "database-unavailable", detail: "The database does not answer." }, { status: 503 });
    show();
    fireEvent.keyDown(document.body, { key: "n" });
    const field = screen.getByLabelText<HTMLTextAreaElement>("Note", { selector: "textarea" });
    expect(document.activeElement).toBe(field);
    fireEvent.change(field, { target: { value: "Looking at the cache" } });
    fireEvent.keyDown(field, { key: "Enter", ctrlKey: true });
    await screen.findByText("The database does not answer.");
    cleanup();
    answer = () => Response.json({ id, number: 12, version: 4, message: "Noted." });
    show();
    fireEvent.click(button("Add the note"));
    await waitFor(() => expect(sent.at(-1)).toEqual({ method: "POST", path: "/notes", body: { text: "Looking at the cache" } }));
    await waitFor(() => expect(screen.getByLabelText<HTMLTextAreaElement>("Note", { selector: "textarea" }).value).toBe(""));
  });

  it("has its older rows on demand, each once", async () => {
    show({ timeline: [note], timelineTotal: 2 });
    vi.stubGlobal("fetch", async () => Response.json({ items: [note, aTimelineRow()], nextCursor: null }));
    expect(rows()).toHaveLength(1);
    fireEvent.click(button("Show older ones (1)"));
    await waitFor(() => expect(rows()).toHaveLength(2));
    expect(rows()[1]).toContain("RelayHighLatency fires.");
    expect(screen.queryByRole("button", { name: /^Show older ones/ })).toBeNull();
  });

  it("draws the newest of many rows first, and the rest on demand", () => {
    const at = (index: number) => new Date(Date.parse("2026-11-21T11:00:00.000Z") + index * 1000).toISOString();
    const timeline = Array.from({ length: 320 }, (_, index) =>
      aTimelineRow({ id: `row-${index}`, at: at(index), message: `Row ${index}.` }),
    );
    show({ timeline });
    expect(rows()).toHaveLength(200);
    expect(rows()[0]).toContain("Row 319.");
    fireEvent.click(button("Show older ones (120)"));
    expect(rows()).toHaveLength(320);
    expect(screen.queryByRole("button", { name: /^Show older ones/ })).toBeNull();
  });

  it("tells an update who it is for", async () => {
    show();
    fireEvent.focus(screen.getByLabelText("Note", { selector: "textarea" }));
    fireEvent.click(screen.getByLabelText("Update for those outside", { selector: "input" }));
    const field = screen.getByLabelText("Update for those outside", { selector: "textarea" });
    fireEvent.change(field, { target: { value: "Documents open slowly." } });
    fireEvent.click(button("Send to those outside"));
    await waitFor(() =>
      expect(sent[0]).toEqual({
        method: "POST",
        path: "/updates",
        body: { audience: "external", text: "Documents open slowly." },
      }),
    );
  });

  it("keeps the words that Switchyard wrote, and hides a row only with a reason", async () => {
    show();
    fireEvent.click(button("Edit: Alert"));
    const dialog = within(screen.getByRole("dialog"));
    expect(dialog.queryByLabelText("Text")).toBeNull();
    fireEvent.click(dialog.getByRole("checkbox"));
    fireEvent.click(dialog.getByRole("button", { name: "Save" }));
    expect(dialog.getByText("Say why, in a few words.")).toBeDefined();
    fireEvent.change(dialog.getByLabelText("Reason"), { target: { value: "another service" } });
    fireEvent.click(dialog.getByRole("button", { name: "Save" }));
    await waitFor(() =>
      expect(sent).toEqual([{ method: "PATCH", path: "/events/row-1", body: { isHidden: true, reason: "another service" } }]),
    );
  });
});

describe("the steps", () => {
  it("open at the one under way and keep what was looked at, by whom", async () => {
    show({ step: "assess", checks: [{ item: "assess-logs", by: "olga", doneAt: "2026-11-21T11:58:00.000Z" }] });
    const steps = section("Steps");
    expect(steps.getByRole("button", { expanded: true }).textContent).toContain("Assess");
    expect(steps.getByRole("checkbox", { checked: true }).closest("label")?.textContent).toContain("olga, 2 m ago");
    fireEvent.click(steps.getByRole("checkbox", { name: /^The severity is right/ }));
    await waitFor(() =>
      expect(sent).toEqual([{ method: "PUT", path: "/checks", body: { item: "assess-severity", isDone: true } }]),
    );
  });
});

describe("a change", () => {
  it("sends only what is another, and a time only with a reason", async () => {
    show();
    fireEvent.click(button("Edit"));
    const dialog = within(screen.getByRole("dialog"));
    fireEvent.change(dialog.getByLabelText("Impact started"), { target: { value: "2026-11-21T11:40:00" } });
    fireEvent.click(dialog.getByRole("button", { name: "Change INC-12" }));
    expect(dialog.getByText("Say why a time changes, in a few words.")).toBeDefined();
    fireEvent.change(dialog.getByLabelText("Reason"), { target: { value: "users wrote earlier" } });
    fireEvent.click(dialog.getByRole("button", { name: "Change INC-12" }));
    const impactStartedAt = new Date("2026-11-21T11:40:00").toISOString();
    await waitFor(() =>
      expect(sent).toEqual([{ method: "PATCH", path: "", body: { clock: { impactStartedAt }, reason: "users wrote earlier" } }]),
    );
  });
});

it("lets who resolved it say afterwards when the harm ended", async () => {
  const over = { acknowledgedAt: "2026-11-21T11:52:00.000Z", resolvedAt: "2026-11-21T11:59:00.000Z" };
  show({ step: "document", clock: { ...anIncident().clock, ...over } });
  fireEvent.click(button("Edit"));
  const dialog = within(screen.getByRole("dialog"));
  fireEvent.change(dialog.getByLabelText("Mitigated"), { target: { value: "2026-11-21T11:55:00" } });
  fireEvent.change(dialog.getByLabelText("Reason"), { target: { value: "by the chart" } });
  fireEvent.click(dialog.getByRole("button", { name: "Change INC-12" }));
  const mitigatedAt = new Date("2026-11-21T11:55:00").toISOString();
  await waitFor(() => expect(sent[0]?.body).toEqual({ clock: { mitigatedAt }, reason: "by the chart" }));
});

it("is taken over by one click", async () => {
  show();
  fireEvent.click(button("I command"));
  await waitFor(() => expect(sent).toEqual([{ method: "PUT", path: "/people", body: { name: "ana", role: "commander" } }]));
});

it("links what a pasted address names", async () => {
  show();
  const field = screen.getByLabelText("Address of an alert, a rollout, an action or an incident");
  fireEvent.change(field, { target: { value: `https://switchyard.example/rollouts/${id}` } });
  fireEvent.click(button("Link"));
  await waitFor(() => expect(sent).toEqual([{ method: "PUT", path: "/links", body: { kind: "rollout", targetId: id } }]));
});
