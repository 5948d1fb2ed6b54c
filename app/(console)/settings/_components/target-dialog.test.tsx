// @vitest-environment jsdom
import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { TargetView } from "#lib/domain/notifications/schemas.ts";
import { invalid, type Sent, show, stubServer } from "./settings-test-world.tsx";
import { TargetDialog } from "./target-dialog.tsx";

const target: TargetView = {
  id: "t1",
  name: "ops",
  settings: { kind: "webhook", address: "https://ops.example.org/…" },
  filter: { events: ["alert-fired"], severities: ["critical"], services: [] },
  disabled: false,
  createdAt: "2026-11-21T12:00:00.000Z",
  updatedAt: "2026-11-21T12:00:00.000Z",
  updatedBy: "ana",
  heldUntil: null,
  waiting: 3,
  failed: 0,
  last: null,
};
let sent: Sent[];
let answer: (sent: Sent) => Response | undefined;
const onClose = vi.fn();

beforeEach(() => {
  onClose.mockClear();
  answer = () => Response.json({ target, signingSecret: null });
  const server = stubServer((request) =>
    request.path.endsWith("/preview")
      ? Response.json({ matched: 2, total: 5, byEvent: [{ event: "alert-fired", matched: 2, total: 5 }], uncounted: [] })
      : request.method === "GET"
        ? Response.json({ services: [] })
        : answer(request),
  );
  sent = server.sent;
  vi.stubGlobal("fetch", server.fetch);
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const press = (name: string) => fireEvent.click(screen.getByRole("button", { name }));
const type = (label: string, value: string) => fireEvent.change(screen.getByLabelText(label), { target: { value } });

describe("a new target", () => {
  test("keeps what was entered when another kind is chosen, and shows a webhook's secret before it closes", async () => {
    answer = () => Response.json({ target, signingSecret: "whsec_once" });
    show(<TargetDialog target={null} onClose={onClose} />);
    type("Name", "ops");
    fireEvent.click(screen.getByRole("radio", { name: /^E-mail/ }));
    expect(screen.getByLabelText("Mail server")).toBeTruthy();
    fireEvent.click(screen.getByRole("radio", { name: /^Webhook/ }));
    type("Address", "https://ops.example.org/hook");
    press("Add the target");
    await waitFor(() => expect(screen.getByTestId("one-time-secret").textContent).toBe("whsec_once"));
    expect(sent).toMatchObject([
      { method: "POST", body: { kind: "webhook", name: "ops", settings: { url: "https://ops.example.org/hook" } } },
    ]);
    expect(onClose).not.toHaveBeenCalled();
    press("I have kept it");
    expect(onClose).toHaveBeenCalledTimes(1);
  });

  test("that is refused says why beside the field and puts the focus there", async () => {
    answer = () => invalid({ "settings.url": ["Link-local addresses are refused."] });
    show(<TargetDialog target={null} onClose={onClose} />);
    type("Name", "ops");
    press("Add the target");
    await waitFor(() => expect(screen.getByRole("alert").textContent).toBe("Link-local addresses are refused."));
    expect(document.activeElement).toBe(screen.getByLabelText("Address"));
  });
});

describe("a target that is changed", () => {
  test("sends no settings while its address is left alone, and what is ticked", async () => {
    show(<TargetDialog target={target} onClose={onClose} />);
    type("Services", "fleet/relay, fleet/hub");
    fireEvent.click(screen.getByRole("checkbox", { name: "A rollout fails" }));
    fireEvent.click(screen.getByRole("checkbox", { name: /^Send to this target/ }));
    press("Save the target");
    await waitFor(() => expect(onClose).toHaveBeenCalled());
    expect(sent).toEqual([
      {
        method: "PATCH",
        path: "/api/notification-targets/t1",
        body: {
          name: "ops",
          disabled: true,
          filter: { events: ["alert-fired", "rollout-failed"], severities: ["critical"], services: ["fleet/relay", "fleet/hub"] },
        },
      },
    ]);
  });

  test("gets a new secret only after it was asked, and keeps what was entered meanwhile", async () => {
    answer = ({ path }) => Response.json({ target, signingSecret: path.endsWith("/rotate") ? "whsec_next" : null });
    show(<TargetDialog target={target} onClose={onClose} />);
    type("Name", "night shift");
    press("New signing secret");
    expect(sent).toEqual([]);
    press("Make a new signing secret");
    await waitFor(() => expect(screen.getByTestId("one-time-secret").textContent).toBe("whsec_next"));
    press("I have kept it");
    expect(onClose).not.toHaveBeenCalled();
    expect(screen.getByLabelText<HTMLInputElement>("Name").value).toBe("night shift");
  });

  test("is removed only after what is lost was said", async () => {
    show(<TargetDialog target={target} onClose={onClose} />);
    press("Remove");
    expect(screen.getByText(/3 events wait for it and will not be sent/)).toBeTruthy();
    expect(sent).toEqual([]);
    answer = () => new Response(null, { status: 204 });
    press("Remove ops");
    await waitFor(() => expect(onClose).toHaveBeenCalled());
    expect(sent).toMatchObject([{ method: "DELETE", path: "/api/notification-targets/t1" }]);
  });
});

test("what a filter would have let pass is said in words", async () => {
  show(<TargetDialog target={target} onClose={onClose} />);
  await waitFor(() =>
    expect(screen.getByRole("status").textContent).toBe("In the last 24 h this would have been 2 of 5 events (2 fired)."),
  );
});
