// @vitest-environment jsdom
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { backupQuery } from "#lib/client/backups.ts";
import { aBackup, aBackupDetail, aProof, aRestorePreview } from "#lib/client/recovery-fixtures.ts";
import type { BackupDetail } from "#lib/domain/recovery/backups/schemas.ts";
import type { Role } from "#lib/domain/users/schemas.ts";
import { begin, end, server, show as showIn } from "../../_components/recovery-test-world.tsx";
import { BackupPage } from "./backup-page.tsx";

const router = { push: vi.fn() };
vi.mock("next/navigation", () => ({ useRouter: () => router, useSearchParams: () => new URLSearchParams() }));
const { id } = aBackup();
beforeEach(() => {
  begin();
  router.push.mockClear();
});
afterEach(end);

async function show(over: Partial<BackupDetail> = {}, role: Role = "operator") {
  server.answers[`GET /api/backups/${id}`] = aBackupDetail(over);
  const queries = showIn(<BackupPage id={id} />, role);
  await screen.findByRole("heading", { level: 1 });
  return (next: Partial<BackupDetail>) => queries.setQueryData(backupQuery(id).queryKey, aBackupDetail(next));
}
const button = (name: string) => screen.getByRole("button", { name });
const dialog = () => within(screen.getByRole("dialog"));
const reason = (text: string) => fireEvent.change(dialog().getByLabelText("Reason"), { target: { value: text } });

describe("the page of a backup", () => {
  it("says both axes apart: how it was made, and what was shown of it", async () => {
    await show({ backup: aBackup({ proof: "failed", message: "Table documents: 1,180 rows recorded, 0 found." }) });
    const status = within(screen.getByRole("status"));
    expect(status.getByText("Completed").className).toContain("text-good");
    expect(status.getByText("Proof failed").className).toContain("text-bad");
    expect(screen.getByText("Table documents: 1,180 rows recorded, 0 found.").className).toContain("text-bad");
  });

  it("shows what is in it with its facts, and each file with its checksum", async () => {
    await show();
    const parts = within(screen.getByRole("list", { name: "Parts" })).getAllByRole("listitem");
    expect(parts[0]?.textContent).toContain("PostgreSQL relay");
    expect(parts[0]?.textContent).toContain("Rows of documents1,180");
    const files = within(screen.getByRole("table", { name: "Files" }));
    expect(files.getByText("postgres/relay.dump")).toBeDefined();
    expect(files.getByRole("button", { name: `Copy ${"aa11".repeat(16)}` })).toBeDefined();
  });

  it("shows each rung of the ladder with its newest attempt, and opens a failed one", async () => {
    const failed = aProof({
      id: "p2",
      level: "restored",
      state: "failed",
      message: "It was restored, and 1 of 2 answers differ.",
      createdAt: "2026-11-21T11:55:00.000Z",
      checks: [
        { name: "Tables", wanted: "3", found: "3", passed: true },
        { name: "Rows of documents", wanted: "1180", found: "0", passed: false },
      ],
    });
    await show({ proofs: [aProof(), failed] });
    const rungs = within(screen.getByRole("list", { name: "Ladder of proofs" })).getAllByRole("listitem");
    expect(rungs.map((rung) => /(Passed|Failed|never tried)$/.exec(rung.textContent ?? "")?.[0])).toEqual(["Passed", "Failed"]);
    const table = within(screen.getByRole("table", { name: "Questions of Restored into scratch" }));
    expect(table.getAllByRole("rowheader").map((cell) => cell.textContent)).toEqual([
      "Rows of documents, failed",
      "Tables, passed",
    ]);
    expect(screen.getByText("1 of 2 checks failed")).toBeDefined();
  });

  it("follows the progress with a rate and an end, and claims none that nobody knows", async () => {
    const backup = aBackup({ state: "running", startedAt: "2026-11-21T11:59:50.000Z", finishedAt: null, takenAt: null });
    const part = { name: "postgres", state: "running" as const, bytes: 10 * 2 ** 20, totalBytes: 30 * 2 ** 20, message: null };
    const set = await show({ backup, parts: [], files: [], proofs: [], progress: [part] });
    const progress = () => screen.getByRole("region", { name: "Progress" }).textContent;
    expect(progress()).toContain("10 MiB of 30 MiB, 1.0 MiB/s, 20 s left");
    set({ backup, parts: [], files: [], proofs: [], progress: [{ ...part, totalBytes: null }] });
    await waitFor(() => expect(progress()).toContain("10 MiB, 1.0 MiB/s, its end is not known"));
    expect(screen.getByRole("list", { name: "Contents" }).textContent).toContain("relay-database/url");
  });

  it("says why it is kept, and that it goes when nothing keeps it", async () => {
    const set = await show();
    expect(screen.getByText("one of the last 7; the newest that is verified")).toBeDefined();
    set({ keptFor: [] });
    expect(await screen.findByText("let go of at the next pass")).toBeDefined();
  });

  it("says that there is none under an address of nothing", async () => {
    server.answers[`GET /api/backups/${id}`] = new Response(
      JSON.stringify({ code: "not-found", detail: "There is no backup with this id.", status: 404 }),
      { status: 404 },
    );
    showIn(<BackupPage id={id} />);
    expect(await screen.findByText("There is no such backup")).toBeDefined();
  });
});

describe("what may be done with a backup", () => {
  it.each([
    ["Verify", "verify", "Verify B-12"],
    ["Restore into scratch", "prove", "Prove B-12 by a restore"],
    ["Pin", "pin", "Pin B-12"],
  ])("%s asks why and sends it", async (label, command, sentence) => {
    server.answers[`POST /api/backups/${id}/${command}`] = { backup: aBackup(), message: "Done." };
    await show();
    fireEvent.click(button(label));
    fireEvent.click(dialog().getByRole("button", { name: sentence }));
    expect(server.sent).toEqual([]);
    reason("to be sure");
    fireEvent.click(dialog().getByRole("button", { name: sentence }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(server.sent).toEqual([
      { method: "POST", path: `/api/backups/${id}/${command}`, body: { reason: "to be sure" }, key: expect.any(String) },
    ]);
  });

  it("is deleted by administrators only, and not while it is pinned", async () => {
    await show();
    expect(button("Delete").getAttribute("aria-description")).toContain("Needs the role admin");
    end();
    begin();
    await show({ backup: aBackup({ pinned: { at: "2026-11-20T10:00:00.000Z", by: "ana", reason: "the audit" } }) }, "admin");
    expect(button("Delete").getAttribute("aria-description")).toBe("It is pinned: unpin it first.");
    expect(screen.getByText(/Pinned by ana/).textContent).toContain("the audit");
  });

  it("is not proven twice at once", async () => {
    await show({ proofs: [aProof({ state: "running" })] });
    expect(button("Verify").getAttribute("aria-description")).toBe("A proof of it is under way.");
  });

  it("is nothing but cancelled while it is made, and nothing at all once it is removed", async () => {
    const set = await show({ backup: aBackup({ state: "running" }) });
    expect(screen.queryByRole("button", { name: "Restore" })).toBeNull();
    expect(button("Cancel")).toBeDefined();
    set({ backup: aBackup({ state: "deleted" }) });
    await waitFor(() => expect(screen.queryByRole("button", { name: "Cancel" })).toBeNull());
    expect(button("Restore").getAttribute("aria-description")).toBe("Its archive is removed.");
  });
});

describe("a restore that is begun", () => {
  const preview = `GET /api/backups/${id}/restores`;
  const start = `POST /api/backups/${id}/restores`;
  const open = async (role: Role = "admin") => {
    await show({}, role);
    fireEvent.click(button("Restore"));
  };

  it("goes into scratch unless told otherwise, and is followed under its address", async () => {
    server.answers[preview] = aRestorePreview({ changes: [], stops: [], lost: [] });
    server.answers[start] = { id: "restore-4", number: 4 };
    await open("operator");
    expect(await screen.findByText("Nothing of the present is touched.")).toBeDefined();
    reason("to look");
    fireEvent.click(dialog().getByRole("button", { name: "Restore relay into scratch" }));
    await waitFor(() => expect(router.push).toHaveBeenCalledWith("/recovery/restores/restore-4"));
    expect(server.sent[0]?.body).toEqual({
      mode: "scratch",
      parts: null,
      intoNamespace: null,
      confirm: null,
      untilTime: null,
      isPresentLost: false,
      reason: "to look",
    });
  });

  it("says in place what changes, stops and is lost, and waits for the typed name", async () => {
    server.answers[preview] = aRestorePreview();
    server.answers[start] = { id: "restore-4", number: 4 };
    await open();
    fireEvent.click(dialog().getByRole("radio", { name: /^In place/ }));
    expect(await screen.findByText("24 rows of documents written since 11:40:02")).toBeDefined();
    const dryRun = screen.getByRole("region", { name: "Dry run" }).textContent;
    expect(dryRun).toContain("relay (3 instances)");
    expect(dryRun).toContain("postgres table documents1,204 rows1,180 rows");
    expect(dryRun).toContain("No point in time can be chosen. The server archives no WAL: archive_mode is off.");
    reason("it was overwritten");
    const go = dialog().getByRole("button", { name: "Restore relay over the present" });
    fireEvent.change(dialog().getByLabelText("Type fleet/relay to confirm"), { target: { value: "relay" } });
    fireEvent.click(go);
    expect(dialog().getByText("Type fleet/relay, as it is written here.")).toBeDefined();
    expect(server.sent).toEqual([]);
    fireEvent.change(dialog().getByLabelText("Type fleet/relay to confirm"), { target: { value: "fleet/relay" } });
    fireEvent.click(go);
    await waitFor(() => expect(server.sent).toHaveLength(1));
    expect(server.sent[0]?.body).toMatchObject({ mode: "in-place", confirm: "fleet/relay", isPresentLost: false });
  });

  it("goes to an instant of those that the server's WAL leads to", async () => {
    const span = { from: "2026-11-21T11:40:10.000Z", to: "2026-11-21T12:00:00.000Z" };
    const pointInTime = { available: true, message: "From the base backup of 11:40.", span };
    server.answers[preview] = aRestorePreview({ pointInTime });
    server.answers[start] = { id: "restore-4", number: 4 };
    await open();
    const field = await dialog().findByLabelText<HTMLInputElement>("PostgreSQL until");
    expect(Date.parse(field.min)).toBe(Date.parse(span.from));
    expect(Date.parse(field.max)).toBe(Date.parse(span.to));
    fireEvent.change(field, { target: { value: field.min } });
    reason("what was there then");
    await waitFor(() => expect(server.asked.at(-1)).toContain(`untilTime=${encodeURIComponent(span.from)}`));
    expect(dialog().getByLabelText("PostgreSQL until")).toBe(field);
    fireEvent.click(dialog().getByRole("button", { name: "Restore relay into scratch" }));
    await waitFor(() => expect(server.sent).toHaveLength(1));
    expect(server.sent[0]?.body).toMatchObject({ mode: "scratch", untilTime: span.from });
  });

  it("is an administrator's in place", async () => {
    await open("operator");
    fireEvent.click(dialog().getByRole("radio", { name: /^In place/ }));
    expect(dialog().getByRole("button", { name: "Restore relay over the present" }).getAttribute("aria-description")).toContain(
      "Needs the role admin",
    );
  });

  it("does not begin against a problem, unless it is said that the present is lost anyway", async () => {
    server.answers[preview] = aRestorePreview({ problems: ["The present cannot be saved first: the database does not answer."] });
    server.answers[start] = { id: "restore-4", number: 4 };
    await open();
    fireEvent.click(dialog().getByRole("radio", { name: /^In place/ }));
    await dialog().findByRole("checkbox", { name: /The present cannot be saved any more/ });
    const go = () => dialog().getByRole("button", { name: "Restore relay over the present" });
    expect(go().getAttribute("aria-description")).toBe("The present cannot be saved first: the database does not answer.");
    reason("the disk is gone");
    fireEvent.change(dialog().getByLabelText("Type fleet/relay to confirm"), { target: { value: "fleet/relay" } });
    fireEvent.click(dialog().getByRole("checkbox", { name: /The present cannot be saved any more/ }));
    fireEvent.click(go());
    await waitFor(() => expect(server.sent).toHaveLength(1));
    expect(server.sent[0]?.body).toMatchObject({ isPresentLost: true });
  });

  it("takes only the chosen parts, and asks the dry run of those", async () => {
    server.answers[preview] = aRestorePreview({ problems: [] });
    await open();
    fireEvent.click(dialog().getByRole("checkbox", { name: "Kubernetes objects" }));
    await waitFor(() => expect(server.asked.some((path) => path.includes("parts=postgres"))).toBe(true));
    fireEvent.click(dialog().getByRole("checkbox", { name: "PostgreSQL relay" }));
    fireEvent.click(dialog().getByRole("button", { name: "Restore relay into scratch" }));
    expect(dialog().getByText("Choose at least one part.")).toBeDefined();
  });

  it("asks for a namespace before it can say what it would do there", async () => {
    server.answers[preview] = aRestorePreview();
    await open();
    fireEvent.click(dialog().getByRole("radio", { name: /^Another namespace/ }));
    expect(screen.queryByRole("region", { name: "Dry run" })).toBeNull();
    fireEvent.change(dialog().getByLabelText("Into namespace"), { target: { value: "rehearsal" } });
    await waitFor(() => expect(server.asked.some((path) => path.includes("intoNamespace=rehearsal"))).toBe(true));
    expect(dialog().getByRole("button", { name: "Restore relay into rehearsal" })).toBeDefined();
  });

  it("offers nothing but scratch for Switchyard itself, and names the command", async () => {
    await show({ backup: aBackup({ subject: "switchyard", service: null, namespace: null }) }, "admin");
    fireEvent.click(button("Restore"));
    expect(dialog().getByRole<HTMLInputElement>("radio", { name: /^In place/ }).disabled).toBe(true);
    expect(dialog().getAllByText(/npm run recover/)).toHaveLength(2);
  });
});
