// @vitest-environment jsdom
import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { aBlocker, aRollout } from "#lib/client/rollout-fixtures.ts";
import type { Blocker } from "#lib/domain/rollouts/start/start-schemas.ts";
import type { Role } from "#lib/domain/users/schemas.ts";
import { show } from "../../(console)/fleet/[namespace]/[name]/rollout/_components/rollout-test-world.tsx";
import { CommandDialog } from "./command-dialog.tsx";

const sent: { path: string; body: unknown }[] = [];
const asked: string[] = [];
let blockers: Blocker[];

beforeEach(() => {
  sent.length = 0;
  sessionStorage.clear();
  asked.length = 0;
  vi.stubGlobal("fetch", async (path: string, init: RequestInit = {}) => {
    asked.push(path);
    if (init.method === "POST") sent.push({ path, body: JSON.parse(String(init.body)) });
    return Response.json(path.endsWith("/blockers") ? blockers : {});
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const onClose = vi.fn();
const freeze = aBlocker();
const active = aBlocker({
  id: "active",
  message: "The rollout to 2.2.0 of relay is under way.",
  canOverride: false,
  canQueue: true,
});

async function openRetry(against: Blocker[], role: Role) {
  blockers = against;
  const rollout = aRollout({ state: "aborted", commands: { ...aRollout().commands, retry: null } });
  show(<CommandDialog command="retry" rollout={rollout} refusal={null} onClose={onClose} />, role);
  for (const { message } of against) await screen.findByText(message);
  fireEvent.change(screen.getByLabelText("Reason"), { target: { value: "it is mended" } });
}

const button = () => screen.getByRole("button", { name: "Retry the rollout of relay" });
const override = () => screen.getByRole<HTMLInputElement>("checkbox", { name: /^Override as administrator/ });

describe("a retry", () => {
  it("is sent without an override when nothing stands against it", async () => {
    await openRetry([], "admin");
    expect(screen.queryByRole("checkbox")).toBeNull();
    fireEvent.click(button());
    await waitFor(() => expect(onClose).toHaveBeenCalled());
    expect(sent).toEqual([{ path: "/api/rollouts/rollout-1/retry", body: { reason: "it is mended" } }]);
  });

  it("shows an administrator what an override would override, and waits for it", async () => {
    await openRetry([freeze], "admin");
    expect(button().getAttribute("aria-description")).toBe(freeze.message);
    fireEvent.click(button());
    expect(sent).toEqual([]);
    fireEvent.click(override());
    fireEvent.click(button());
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]?.body).toEqual({ reason: "it is mended", override: true });
  });

  it("tells an operator who can override", async () => {
    await openRetry([freeze], "operator");
    expect(override().disabled).toBe(true);
    expect(override().closest("label")?.textContent).toContain("Needs the role admin; yours is operator.");
    expect(button().getAttribute("aria-description")).toBe(freeze.message);
  });

  it("offers no override for what nobody can, and overrides nothing with it", async () => {
    await openRetry([freeze, active], "admin");
    fireEvent.click(override());
    expect(button().getAttribute("aria-description")).toBe(active.message);
    fireEvent.click(button());
    expect(sent).toEqual([]);
  });
});

it("asks what stands against it for no other command", async () => {
  blockers = [freeze];
  show(<CommandDialog command="abort" rollout={aRollout()} refusal={null} onClose={onClose} />, "admin");
  fireEvent.change(screen.getByLabelText("Reason"), { target: { value: "it times out" } });
  fireEvent.click(screen.getByRole("button", { name: "Abort the rollout of relay" }));
  await waitFor(() => expect(sent).toHaveLength(1));
  expect(asked).toEqual(["/api/rollouts/rollout-1/abort"]);
});
