// @vitest-environment jsdom
import { cleanup, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { aTimelineRow } from "#lib/client/incident-fixtures.ts";
import { begin, button, end, id, rows, server, show } from "./incident-test-world.tsx";

beforeEach(begin);
afterEach(end);

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
    server.answer = () =>
      Response.json({ code: "database-unavailable", detail: "The database does not answer." }, { status: 503 });
    show();
    fireEvent.keyDown(document.body, { key: "n" });
    const field = screen.getByLabelText<HTMLTextAreaElement>("Note", { selector: "textarea" });
    expect(document.activeElement).toBe(field);
    fireEvent.change(field, { target: { value: "Looking at the cache" } });
    fireEvent.keyDown(field, { key: "Enter", ctrlKey: true });
    await screen.findByText("The database does not answer.");
    cleanup();
    // The tab is closed, and the page opened in another.
    sessionStorage.clear();
    server.answer = () => Response.json({ id, number: 12, version: 4, message: "Noted." });
    show();
    fireEvent.click(button("Add the note"));
    await waitFor(() =>
      expect(server.sent.at(-1)).toEqual({ method: "POST", path: "/notes", body: { text: "Looking at the cache" } }),
    );
    // The first answer may have been lost on the way: with the same key it is written once.
    expect(server.keys).toHaveLength(2);
    expect(server.keys[1]).toBe(server.keys[0]);
    await waitFor(() => expect(screen.getByLabelText<HTMLTextAreaElement>("Note", { selector: "textarea" }).value).toBe(""));
  });

  it("has a key of its own for each note, also with the same words", async () => {
    show();
    const field = screen.getByLabelText<HTMLTextAreaElement>("Note", { selector: "textarea" });
    for (const count of [1, 2]) {
      fireEvent.change(field, { target: { value: "Still slow" } });
      fireEvent.keyDown(field, { key: "Enter", ctrlKey: true });
      await waitFor(() => expect(server.keys).toHaveLength(count));
      await waitFor(() => expect(field.value).toBe(""));
    }
    expect(server.keys[1]).not.toBe(server.keys[0]);
  });

  it("is edited by those who may, and an edit that was not sent is there again, with what another wrote meanwhile", async () => {
    show({ timeline: [note] });
    fireEvent.click(screen.getByRole("button", { name: /^Edit: / }));
    fireEvent.change(screen.getByLabelText("Text"), { target: { value: "It is the **cache** of fleet." } });
    fireEvent.change(screen.getByLabelText("Reason"), { target: { value: "more exact" } });
    cleanup();
    sessionStorage.clear();
    show({ timeline: [{ ...note, message: "Now it is the **cache**." }] });
    fireEvent.click(screen.getByRole("button", { name: /^Edit: / }));
    expect(screen.getByLabelText<HTMLTextAreaElement>("Text").value).toBe("Now it is the **cache** of fleet.");
    fireEvent.click(button("Save"));
    await waitFor(() => expect(server.sent).toHaveLength(1));
    expect(server.sent[0]?.body).toEqual({ text: "Now it is the **cache** of fleet.", reason: "more exact" });
    await waitFor(() => expect(localStorage).toHaveLength(0));
  });

  it("has its older rows on demand, each once", async () => {
    show({ timeline: [note], timelineTotal: 2 });
    vi.stubGlobal("fetch", async (url: string) =>
      url.startsWith(`/api/incidents/${id}/timeline?`)
        ? Response.json({ items: [note, aTimelineRow()], nextCursor: null })
        : new Promise(() => {}),
    );
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
      expect(server.sent[0]).toEqual({
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
      expect(server.sent).toEqual([
        { method: "PATCH", path: "/events/row-1", body: { isHidden: true, reason: "another service" } },
      ]),
    );
  });
});
