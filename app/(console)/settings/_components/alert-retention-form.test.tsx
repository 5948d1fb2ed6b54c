// @vitest-environment jsdom
import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RetentionForm } from "./alert-retention-form.tsx";
import { type Sent, show, stubServer } from "./settings-test-world.tsx";

let sent: Sent[];

beforeEach(() => {
  const server = stubServer(({ method, body }) => Response.json(method === "PUT" ? body : { episodeDays: 400, bodyDays: 30 }));
  sent = server.sent;
  vi.stubGlobal("fetch", server.fetch);
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const save = () => fireEvent.click(screen.getByRole("button", { name: "Save how long alerts are kept" }));
const type = async (label: RegExp, value: string) => fireEvent.change(await screen.findByLabelText(label), { target: { value } });

describe("how long alerts are kept", () => {
  test("is saved at once when it gets longer", async () => {
    show(<RetentionForm />);
    await type(/^Alerts that ended/, "500");
    save();
    await waitFor(() => expect(sent).toMatchObject([{ method: "PUT", body: { episodeDays: 500, bodyDays: 30 } }]));
  });

  test("gets shorter only after it was said what is deleted", async () => {
    show(<RetentionForm />);
    await type(/^Alerts that ended/, "90");
    save();
    expect(screen.getByRole("dialog").textContent).toContain("Alerts that ended more than 90 days ago are deleted.");
    expect(sent).toEqual([]);
    fireEvent.click(screen.getByRole("button", { name: "Delete what is older" }));
    await waitFor(() => expect(sent).toMatchObject([{ body: { episodeDays: 90, bodyDays: 30 } }]));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  });

  test.each(["", "0", "1.5", "4000", "soon"])("is not sent when it is %o", async (bad) => {
    show(<RetentionForm />);
    await type(/^Alerts that ended/, bad);
    save();
    expect(screen.getByRole("alert").textContent).not.toBe("");
    expect(sent).toEqual([]);
  });

  test("is shown to everybody and changed by administrators", async () => {
    show(<RetentionForm />, "operator");
    const field = await screen.findByLabelText<HTMLInputElement>(/^Alerts that ended/);
    expect([field.value, field.disabled]).toEqual(["400", true]);
    expect(screen.getByRole("button").getAttribute("aria-description")).toContain("Needs the role admin");
  });
});
