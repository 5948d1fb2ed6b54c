// @vitest-environment jsdom
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { anIncident, aRecovery, aSuspect } from "#lib/client/incident-fixtures.ts";
import { aRollout } from "#lib/client/rollout-fixtures.ts";
import { actions, begin, button, end, id, section, server, show } from "./incident-test-world.tsx";

beforeEach(begin);
afterEach(end);

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
    await waitFor(() => expect(server.sent).toEqual([{ method: "POST", path: "/acknowledge", body: {} }]));
  });

  it("acknowledges nothing while somebody types", () => {
    show();
    const note = screen.getByLabelText("Note", { selector: "textarea" });
    fireEvent.keyDown(note, { key: "a" });
    expect(server.sent).toEqual([]);
  });

  it("shows a viewer what could be done and why they may not", () => {
    show({}, "viewer");
    const acknowledge = button("Acknowledge");
    expect(acknowledge.getAttribute("aria-description")).toContain("Needs the role operator");
    fireEvent.click(acknowledge);
    fireEvent.keyDown(document.body, { key: "a" });
    expect(server.sent).toEqual([]);
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

  it("says once who has rolled it back since, however often it was changed before", () => {
    const suspects = [aSuspect(), aSuspect({ auditId: "audit-0", at: "2026-11-21T11:45:00.000Z" })];
    const rollback = { change: "rollback", state: "complete", actor: "chris", startedAt: "2026-11-21T11:52:00.000Z" } as const;
    show({ suspects }, "operator", aRollout({ id: "rollout-2", ...rollback }));
    const changed = section("What changed just before");
    expect(changed.getAllByText(/by ana$/)).toHaveLength(2);
    expect(changed.getAllByRole("link", { name: /^Rolled back by chris/ })).toHaveLength(1);
    expect(changed.queryByRole("button")).toBeNull();
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
      ? Response.json({
          id: "alert-1",
          name: "RelayHighLatency",
          severity: "warning",
          standing: "unknown",
          startsAt: "2026-11-21T11:50:00.000Z",
          endsAt: null,
        })
      : new Promise(() => {}),
  );
  show({ links: [link] });
  const row = () => section("What fires").getByRole("listitem").textContent;
  expect(row()).toBe("RelayHighLatencylinked 9 m ago");
  await waitFor(() => expect(row()).toBe("RelayHighLatencyUnknown10 m"));
});

describe("what stops the harm", () => {
  it("does not call a service healthy whose clients are harmed, and does once they are not", () => {
    show({ recoveries: [aRecovery()] });
    const mitigate = section("Mitigate");
    expect(mitigate.getByText("Clients harmed").title).toMatch(/^Its instances: /);
    expect(mitigate.queryByText("Healthy")).toBeNull();
    end();
    begin();
    show({ recoveries: [aRecovery({ state: "good" })] });
    expect(section("Mitigate").getByText("Healthy")).toBeDefined();
  });
});

describe("recovery", () => {
  it("is shown before, during and now, and not called one while it is bad", () => {
    show({ recoveries: [aRecovery()] });
    const shown = section("Recovery");
    expect(shown.getAllByRole("definition").map(({ textContent }) => textContent)).toEqual(["20 ms", "450 ms", "400 ms"]);
    expect(shown.getByRole("status").textContent).toBe("Latency, p95 is 400 ms, above the limit of 200 ms.");
  });

  it("says from the data when it was over", () => {
    const recoveredAt = "2026-11-21T11:56:30.000Z";
    show({ recoveries: [aRecovery({ state: "good", now: 0.021, after: 0.02, goodSince: recoveredAt, recoveredAt })] });
    expect(section("Recovery").getByRole("status").textContent).toContain("6 m 30 s after the impact began");
    expect(section("Recovery").getByText("After").nextSibling?.textContent).toBe("20 ms");
  });

  it("is shown for each service, with its other indicators", () => {
    const other = aRecovery();
    const relay = aRecovery({
      others: [{ indicator: { ...other.indicator, short: "failed operations" }, now: 0.02, state: "good" }],
    });
    const hub = aRecovery({ service: "fleet/hub", state: "good", now: 0.02, goodSince: "2026-11-21T11:52:00.000Z" });
    const services = [relay, hub].map(({ service }) => ({ namespace: "fleet", name: service.slice(6) }));
    show({ services, recoveries: [relay, hub] });
    expect(section("Recovery").getByText("1 of 2 services good")).toBeTruthy();
    expect(
      section("Recovery")
        .getAllByRole("heading", { level: 3 })
        .map(({ textContent }) => textContent),
    ).toEqual(["relayLatency, p95", "hubLatency, p95"]);
    expect(section("Recovery").getByText(/failed operations/).textContent).toBe("Good: failed operations 20 ms");
  });

  it("has what the data say of a rollback, there and at the suspect", () => {
    const message = "Rollback of relay verified: p95 over 30 s is 42 ms, was 310 ms; 41 s after the click";
    const figures = { seconds: 41, before: 0.31, after: 0.042 };
    const rollback = {
      actionId: "a1",
      service: "fleet/relay",
      verdict: "recovered" as const,
      ...figures,
      message,
      at: "2026-11-21T11:53:00.000Z",
    };
    const restart = {
      ...rollback,
      actionId: "a2",
      service: "fleet/redis",
      verdict: "pending" as const,
      message: "Restart of redis is being verified",
    };
    show({ suspects: [aSuspect()], recoveries: [aRecovery()], verdicts: [rollback, restart] });
    expect(section("Recovery").getByText(message).getAttribute("href")).toBe("/audit?entry=a1");
    expect(section("Recovery").getByText("Restart of redis is being verified")).toBeTruthy();
    expect(section("What changed just before").getByText(message)).toBeTruthy();
    expect(section("What changed just before").queryByText("Restart of redis is being verified")).toBeNull();
  });

  it("is unknown, never good, where the data are missing", () => {
    show({ recoveries: [aRecovery({ state: "unknown", now: null })] });
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
      expect(server.sent).toEqual([{ method: "POST", path: "/resolve", body: { note: "Rolled back.", override: null } }]),
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
    expect(server.sent).toEqual([]);
    fireEvent.change(dialog.getByLabelText("Reason"), { target: { value: "the prober itself is down" } });
    fireEvent.click(resolve());
    await waitFor(() => expect(server.sent[0]?.body).toEqual({ override: { reason: "the prober itself is down" } }));
  });

  it("is freed by what changes while the dialog is open", async () => {
    const change = show(blocked);
    fireEvent.click(button("Resolve"));
    change({ version: 4 });
    fireEvent.click(await screen.findByRole("button", { name: "Resolve INC-12" }));
    await waitFor(() => expect(server.sent[0]?.body).toEqual({ override: null }));
  });
});

it("takes the moment of a mitigation from the data", async () => {
  const recoveredAt = "2026-11-21T11:56:30.000Z";
  show({ recoveredAt });
  fireEvent.click(button("Mark mitigated"));
  expect(screen.getByText("When it recovered, by the data.")).toBeDefined();
  fireEvent.click(button("Mark INC-12 mitigated"));
  await waitFor(() =>
    expect(server.sent).toEqual([{ method: "POST", path: "/mitigate", body: { at: recoveredAt, override: null } }]),
  );
});

describe("the steps", () => {
  it("open at the one under way and keep what was looked at, by whom", async () => {
    show({ step: "assess", checks: [{ item: "assess-logs", by: "olga", doneAt: "2026-11-21T11:58:00.000Z" }] });
    const steps = section("Steps");
    expect(steps.getByRole("button", { expanded: true }).textContent).toContain("Assess");
    expect(steps.getByRole("checkbox", { checked: true }).closest("label")?.textContent).toContain("olga, 2 m ago");
    fireEvent.click(steps.getByRole("checkbox", { name: /^The severity is right/ }));
    await waitFor(() =>
      expect(server.sent).toEqual([{ method: "PUT", path: "/checks", body: { item: "assess-severity", isDone: true } }]),
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
      expect(server.sent).toEqual([
        { method: "PATCH", path: "", body: { clock: { impactStartedAt }, reason: "users wrote earlier" } },
      ]),
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
  await waitFor(() => expect(server.sent[0]?.body).toEqual({ clock: { mitigatedAt }, reason: "by the chart" }));
});

it("is taken over by one click", async () => {
  show();
  fireEvent.click(button("I command"));
  await waitFor(() =>
    expect(server.sent).toEqual([{ method: "PUT", path: "/people", body: { name: "ana", role: "commander" } }]),
  );
});

it("links what a pasted address names", async () => {
  show();
  const field = screen.getByLabelText("Address of an alert, a rollout, an action or an incident");
  fireEvent.change(field, { target: { value: `https://switchyard.example/rollouts/${id}` } });
  fireEvent.click(button("Link"));
  await waitFor(() => expect(server.sent).toEqual([{ method: "PUT", path: "/links", body: { kind: "rollout", targetId: id } }]));
});
