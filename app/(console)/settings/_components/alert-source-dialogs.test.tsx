// @vitest-environment jsdom
import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AlertSourceView } from "#lib/domain/alerts/source-schemas.ts";
import { AddSourceDialog, EditSourceDialog, RemoveSourceDialog, RotateSourceDialog } from "./alert-source-dialogs.tsx";
import { invalid, type Sent, show, stubServer } from "./settings-test-world.tsx";

const source: AlertSourceView = {
  id: "s1",
  name: "production",
  prefix: "swa_abc",
  createdAt: "2026-11-21T12:00:00.000Z",
  createdBy: "ana",
  disabled: false,
  lastReceivedAt: null,
  watchdogAt: null,
  members: [],
  blind: null,
  openAlerts: 2,
};
let sent: Sent[];
let answer: (sent: Sent) => Response;
const onClose = vi.fn();

beforeEach(() => {
  onClose.mockClear();
  answer = () => Response.json({ source, secret: "swa_secret" });
  const server = stubServer((request) => answer(request));
  sent = server.sent;
  vi.stubGlobal("fetch", server.fetch);
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const button = (name: string | RegExp) => screen.getByRole("button", { name });
const type = (label: string | RegExp, value: string) => fireEvent.change(screen.getByLabelText(label), { target: { value } });

describe("a source", () => {
  test("is added with its members, and shows what to paste with its secret in it", async () => {
    show(<AddSourceDialog onClose={onClose} />);
    type("Name", "production");
    type("Alertmanagers", "http://am-0:9093\n http://am-1:9093, ");
    fireEvent.click(button("Add the source"));
    const snippet = await screen.findByTestId("one-time-secret");
    expect(snippet.textContent).toContain("/api/alerts/webhook/production\n");
    expect(snippet.textContent).toContain("credentials: swa_secret\n");
    expect(sent[0]?.body).toEqual({ name: "production", urls: ["http://am-0:9093", "http://am-1:9093"] });
  });

  test("says once what is wrong with its members", async () => {
    answer = () => invalid({ "urls.0": ["Give an address."], "urls.1": ["Give an address."] });
    show(<EditSourceDialog source={source} onClose={onClose} />);
    type("Alertmanagers", "a b");
    fireEvent.click(button("Save production"));
    await waitFor(() => expect(screen.getByRole("alert").textContent).toBe("Give an address."));
    expect(onClose).not.toHaveBeenCalled();
  });

  test("that is not polled is told so before its secret is replaced", () => {
    show(<RotateSourceDialog source={source} onClose={onClose} />);
    expect(screen.getByRole("dialog").textContent).toContain("no Alertmanager of this source is polled");
    expect(sent).toEqual([]);
  });

  test("goes with its history only when its name was typed", async () => {
    show(<RemoveSourceDialog source={source} onClose={onClose} />);
    expect(screen.getByText(/2 of its alerts fire now/)).toBeTruthy();
    fireEvent.click(button("Remove production with its alerts"));
    expect(sent).toEqual([]);
    type(/^Type production/, "production");
    answer = () => new Response(null, { status: 204 });
    fireEvent.click(button("Remove production with its alerts"));
    await waitFor(() => expect(onClose).toHaveBeenCalled());
    expect(sent).toMatchObject([{ method: "DELETE", path: "/api/alert-sources/s1" }]);
  });
});
