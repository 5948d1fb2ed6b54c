// @vitest-environment jsdom
import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { FreezeWindowView } from "#lib/domain/rollouts/start/freeze-schemas.ts";
import { CancelFreezeDialog, NewFreezeDialog } from "./freeze-window-dialogs.tsx";
import { FreezeWindowsSection } from "./freeze-windows-section.tsx";
import { invalid, type Sent, show, stubServer } from "./settings-test-world.tsx";

const window: FreezeWindowView = {
  id: "w1",
  namespace: "fleet",
  service: null,
  startsAt: "2026-12-24T12:00:00.000Z",
  endsAt: "2026-12-27T06:00:00.000Z",
  reason: "holidays",
  state: "upcoming",
  createdAt: "2026-11-21T12:00:00.000Z",
  createdBy: "ana",
  cancelledAt: null,
  cancelledBy: null,
};
let sent: Sent[];
let answer: (sent: Sent) => Response | undefined;
const onClose = vi.fn();

beforeEach(() => {
  onClose.mockClear();
  sessionStorage.clear();
  answer = () => undefined;
  const server = stubServer((request) => answer(request));
  sent = server.sent;
  vi.stubGlobal("fetch", server.fetch);
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => {}, removeEventListener: () => {} }));
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  );
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const button = (name: string | RegExp) => screen.getByRole("button", { name });
const type = (label: string, value: string) => fireEvent.change(screen.getByLabelText(label), { target: { value } });

describe("freezing rollouts", () => {
  test("sends the moments in UTC with what is covered and why", async () => {
    show(<NewFreezeDialog onClose={onClose} />);
    type("From", "2026-12-24T12:00");
    type("Until", "2026-12-27T06:00");
    type("Reason", "holidays");
    fireEvent.click(button("Freeze the whole cluster"));
    await waitFor(() => expect(onClose).toHaveBeenCalled());
    expect(sent).toMatchObject([{ method: "POST", path: "/api/freeze-windows" }]);
    expect(sent[0]?.body).toEqual({
      namespace: null,
      service: null,
      startsAt: new Date("2026-12-24T12:00").toISOString(),
      endsAt: new Date("2026-12-27T06:00").toISOString(),
      reason: "holidays",
    });
  });

  test("sends nothing that ends before it starts, or without a reason", () => {
    show(<NewFreezeDialog onClose={onClose} />);
    type("From", "2026-12-24T12:00");
    type("Until", "2026-12-23T12:00");
    type("Reason", "holidays");
    fireEvent.click(button("Freeze the whole cluster"));
    expect(screen.getByText("It must end after it starts.")).toBeTruthy();
    type("Until", "2026-12-25T12:00");
    type("Reason", "");
    fireEvent.click(button("Freeze the whole cluster"));
    expect(screen.getByText(/Say why/)).toBeTruthy();
    expect(sent).toEqual([]);
  });

  test("says what the server refuses at its field", async () => {
    answer = () => invalid({ endsAt: ["It is over already."] });
    show(<NewFreezeDialog onClose={onClose} />);
    type("Reason", "holidays");
    fireEvent.click(button("Freeze the whole cluster"));
    expect((await screen.findByText("It is over already.")).getAttribute("role")).toBe("alert");
    expect(onClose).not.toHaveBeenCalled();
  });

  test("begins with the button of an administrator", async () => {
    show(<FreezeWindowsSection />);
    fireEvent.click(button(/Freeze rollouts/));
    expect((await screen.findByRole("dialog")).textContent).toContain("No rollout begins in this time");
  });

  test("is for administrators: an operator reads the windows and cannot make one", async () => {
    answer = () => Response.json({ items: [window, { ...window, id: "w2", state: "ended" }], nextCursor: null });
    show(<FreezeWindowsSection />, "operator");
    expect(await screen.findByText("To come")).toBeTruthy();
    expect(button(/Freeze rollouts/).getAttribute("aria-description")).toMatch(/admin/);
    expect(screen.getAllByRole("button", { name: "Cancel the freeze of all of fleet" })).toHaveLength(1);
  });
});

test("a freeze is cancelled with a reason", async () => {
  show(<CancelFreezeDialog window={window} onClose={onClose} />);
  fireEvent.click(button("Let rollouts begin again"));
  expect(sent).toEqual([]);
  type("Reason", "back early");
  fireEvent.click(button("Let rollouts begin again"));
  await waitFor(() => expect(onClose).toHaveBeenCalled());
  expect(sent).toEqual([{ method: "DELETE", path: "/api/freeze-windows/w1", body: { reason: "back early" } }]);
});
