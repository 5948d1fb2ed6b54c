// @vitest-environment jsdom
import { cleanup, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { aService } from "#lib/client/fixtures.ts";
import { aPreflight, someOptions } from "#lib/client/rollout-start-fixtures.ts";
import type { Preflight } from "#lib/domain/rollouts/start/start-schemas.ts";
import type { Role } from "#lib/domain/users/schemas.ts";
import { RolloutForm } from "./rollout-form.tsx";
import { show } from "./rollout-test-world.tsx";

const push = vi.fn();
vi.mock("next/navigation", () => ({ useRouter: () => ({ push }) }));

type Sent = { path: string; body: Record<string, unknown>; key: string | null };
let checked: Sent[];
let started: Sent[];
let preflight: Preflight;
let answer: () => Response;
const patient = { timeout: 10_000 };

beforeEach(() => {
  push.mockClear();
  sessionStorage.clear();
  checked = [];
  started = [];
  preflight = aPreflight();
  answer = () =>
    Response.json({ auditId: "a", rolloutId: "rollout-7", outcome: "succeeded", message: "Begun." }, { status: 202 });
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  );
  vi.stubGlobal("fetch", async (path: string, init: RequestInit = {}) => {
    if (path.endsWith("/options")) return Response.json(someOptions({ seen: { uid: "uid-relay", templateHash: "newer" } }));
    if (init.method !== "POST") return Response.json({ revisions: [] });
    const sent = { path, body: JSON.parse(String(init.body)), key: new Headers(init.headers).get("idempotency-key") };
    if (path.endsWith("/preflight")) {
      checked.push(sent);
      return Response.json(preflight);
    }
    started.push(sent);
    return answer();
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const form = (templateHash = "5d8c7b") => <RolloutForm service={aService({ templateHash })} options={someOptions()} />;
const open = (role: Role = "operator") => show(form(), role);
const type = (label: string | RegExp, value: string) => fireEvent.change(screen.getByLabelText(label), { target: { value } });
const wantVersion = async (version = "2.0.1") => {
  type("Image", `switchyard/relay:${version}`);
  await screen.findByText("The cluster accepts it.", {}, patient);
};
const startButton = () => screen.getByText(/^(Roll out|Queue the rollout of) relay/, { selector: "button" });
const start = async () => {
  await waitFor(() => expect(startButton().getAttribute("aria-disabled")).toBeNull(), patient);
  fireEvent.click(startButton());
};

describe("the form of a rollout", () => {
  it("asks for nothing and starts nothing while nothing is changed", () => {
    open();
    expect(screen.getByText(/Nothing is changed yet/)).toBeTruthy();
    fireEvent.click(startButton());
    expect(checked).toEqual([]);
    expect(started).toEqual([]);
  });

  it("shows what the server found before anything is written", async () => {
    open();
    await wantVersion();
    expect(checked[0]?.path).toBe("/api/services/fleet/relay/rollouts/preflight");
    expect(checked[0]?.body).toMatchObject({
      change: { image: { container: "relay", image: "switchyard/relay:2.0.1" } },
      strategy: { kind: "canary" },
      seen: { uid: "uid-relay", templateHash: "5d8c7b" },
    });
    expect(screen.getByRole("figure", { name: "Now · 2.0.0 compared with After · 2.0.1" })).toBeTruthy();
    expect(screen.getByText("Every image is pinned")).toBeTruthy();
    expect(screen.getByText("Candidate with 1 instance → 10 % of the traffic to the candidate")).toBeTruthy();
    expect(screen.getByText("The number of instances.")).toBeTruthy();
    expect(started).toEqual([]);
  });

  it("starts with the strategy, the reason, what was seen and what was ticked, and goes to the rollout", async () => {
    open();
    await wantVersion();
    fireEvent.click(screen.getByRole("checkbox", { name: /The team knows/ }));
    await waitFor(() => expect(checked.at(-1)?.body.ticks).toEqual(["team-told"]), patient);
    type("Weight of step 1, percent", "20");
    type("Pause of step 1", "30 s");
    type("Reason", "the fix of OPS-7");
    await start();
    await waitFor(() => expect(push).toHaveBeenCalledWith("/rollouts/rollout-7"), patient);
    expect(started[0]?.path).toBe("/api/services/fleet/relay/rollouts");
    expect(started[0]?.key).toMatch(/^[0-9a-f]{32}$/);
    expect(started[0]?.body).toMatchObject({
      strategy: { kind: "canary", steps: [{ weight: 20, pauseSeconds: 30 }] },
      reason: "the fix of OPS-7",
      seen: { uid: "uid-relay", templateHash: "5d8c7b" },
      ticks: ["team-told"],
      override: null,
      queue: false,
    });
  });

  it("does not start without a reason, says so at the field and leads there", async () => {
    open();
    await wantVersion();
    await start();
    expect((await screen.findByText(/say why/i)).getAttribute("role")).toBe("alert");
    expect(document.activeElement).toBe(screen.getByLabelText("Reason"));
    expect(started).toEqual([]);
  });

  it("says beside its button how many checks passed and failed", async () => {
    const [pinned] = aPreflight().checklist;
    if (!pinned) throw new Error("The preflight has a checklist.");
    const alerts = { ...pinned, id: "alerts", title: "No alert fires", state: "failed", isBlocker: false } as const;
    preflight = aPreflight({ checklist: [pinned, alerts] });
    open();
    await wantVersion();
    expect(screen.getByRole("link", { name: "1 check passed, 1 failed" }).getAttribute("href")).toBe("#preflight");
  });

  it("does not start when Enter is pressed in a field", async () => {
    open();
    await wantVersion();
    type("Reason", "the fix");
    await waitFor(() => expect(startButton().getAttribute("aria-disabled")).toBeNull(), patient);
    expect(fireEvent.keyDown(screen.getByLabelText("Image"), { key: "Enter" })).toBe(false);
  });

  it("marks a strategy that cannot be, and checks nothing until it is mended", async () => {
    open();
    await wantVersion();
    type("Pause of step 1", "soon");
    expect((await screen.findByText("Give whole seconds.")).getAttribute("role")).toBe("alert");
    expect(startButton().getAttribute("aria-disabled")).toBe("true");
    type("Pause of step 1", "");
    await waitFor(() => expect(checked.at(-1)?.body).toMatchObject({ strategy: { steps: [{ pauseSeconds: null }] } }), patient);
  });

  it("keeps what was typed when the page is left and opened again", async () => {
    open();
    await wantVersion();
    cleanup();
    open();
    expect(screen.getByLabelText<HTMLInputElement>("Image").value).toBe("switchyard/relay:2.0.1");
  });

  it("keeps the idempotency key when the same is tried again", async () => {
    answer = () => Response.json({ status: 503, code: "kubernetes-unavailable", detail: "No answer." }, { status: 503 });
    open();
    await wantVersion();
    type("Reason", "the fix");
    await start();
    await screen.findByText("No answer.", {}, patient);
    await start();
    await waitFor(() => expect(started).toHaveLength(2), patient);
    expect(started[1]?.key).toBe(started[0]?.key);
  });

  it("says when the service moved on, and goes on from what is there now", async () => {
    const { again } = open();
    await wantVersion();
    again(form("newer"));
    fireEvent.click(await screen.findByRole("button", { name: "Use the present values" }, patient));
    await waitFor(() => expect(checked.at(-1)?.body.seen).toEqual({ uid: "uid-relay", templateHash: "newer" }), patient);
    expect(screen.queryByText(/changed since you opened this/)).toBeNull();
  });

  it("does not let a viewer start, and says why", async () => {
    open("viewer");
    type("Image", "switchyard/relay:2.0.1");
    type("Reason", "the fix");
    expect(startButton().getAttribute("aria-description")).toMatch(/operator/);
    fireEvent.click(startButton());
    expect(checked).toEqual([]);
    expect(started).toEqual([]);
  });
});

describe("a rollout that something keeps from starting", () => {
  const freeze = { id: "freeze", message: "All rollouts are frozen until Monday.", canOverride: true, canQueue: true };
  const override = () => screen.getByRole<HTMLInputElement>("checkbox", { name: /Override as administrator/ });

  it("is not started, and its button says what keeps it", async () => {
    preflight = aPreflight({ blockers: [freeze] });
    open();
    await wantVersion();
    await waitFor(() => expect(startButton().getAttribute("aria-description")).toBe(freeze.message), patient);
    fireEvent.click(startButton());
    expect(started).toEqual([]);
  });

  it("waits in the queue when an operator wants that, who may not override it", async () => {
    preflight = aPreflight({ blockers: [freeze] });
    open();
    await wantVersion();
    expect(override().disabled).toBe(true);
    expect(screen.getByText(/Needs the role admin/)).toBeTruthy();
    fireEvent.click(screen.getByRole("checkbox", { name: /Wait in the queue/ }));
    type("Reason", "the fix");
    expect(startButton().textContent).toContain("Queue the rollout of relay");
    await start();
    await waitFor(() => expect(started[0]?.body).toMatchObject({ queue: true, override: null }), patient);
  });

  it("is started by an administrator who says why", async () => {
    preflight = aPreflight({ blockers: [freeze] });
    open("admin");
    await wantVersion();
    fireEvent.click(override());
    type("Reason", "the fix");
    await start();
    const field = screen.getByLabelText("Why in spite of this");
    expect(field.getAttribute("aria-invalid")).toBe("true");
    expect(started).toEqual([]);
    fireEvent.change(field, { target: { value: "the outage is worse" } });
    await start();
    await waitFor(() => expect(started[0]?.body).toMatchObject({ override: { reason: "the outage is worse" } }), patient);
  });

  it("cannot be started by anybody when nobody may override it", async () => {
    preflight = aPreflight({
      blockers: [{ id: "dry-run", message: "The cluster refuses it.", canOverride: false, canQueue: false }],
    });
    open("admin");
    await wantVersion();
    const alert = (await screen.findAllByRole("alert")).find((each) => within(each).queryByText(/Nobody can override this/));
    expect(alert).toBeTruthy();
    expect(screen.queryByRole("checkbox", { name: /Override/ })).toBeNull();
    expect(startButton().getAttribute("aria-disabled")).toBe("true");
  });
});

describe("configuration in a rollout", () => {
  it("is sent by keys, and a Secret's value is not kept in the tab", async () => {
    open();
    fireEvent.click(screen.getByRole("button", { name: "Set database-url" }));
    type("New value of database-url", "postgres://hidden");
    fireEvent.click(screen.getByRole("button", { name: "Take log-level away" }));
    await waitFor(
      () =>
        expect(checked.at(-1)?.body.change).toEqual({
          config: [
            { kind: "Secret", name: "relay-secrets", data: { "database-url": "postgres://hidden" } },
            { kind: "ConfigMap", name: "relay-config", data: { "log-level": null } },
          ],
        }),
      patient,
    );
    expect(JSON.stringify({ ...sessionStorage })).not.toContain("hidden");
  });
});
