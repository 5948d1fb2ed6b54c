// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { aService } from "#lib/client/fixtures.ts";
import { fleetKeys } from "#lib/client/fleet.ts";
import { anIncident } from "#lib/client/incident-fixtures.ts";
import type { ReportDraft } from "#lib/client/incident-view.ts";
import { latestIncidentsQuery } from "#lib/client/incidents.ts";
import { userKeys } from "#lib/client/users.ts";
import type { IncidentView } from "#lib/domain/incidents/schemas.ts";
import type { Role } from "#lib/domain/users/schemas.ts";
import { TooltipProvider } from "../tooltip.tsx";
import { ReportDialog } from "./report-dialog.tsx";

const router = { push: vi.fn() };
vi.mock("next/navigation", () => ({ useRouter: () => router }));
type Sent = { url: string; body: unknown; key: string | null };
const sent: Sent[] = [];
let answers: (() => Response)[] = [];

beforeEach(() => {
  sent.length = 0;
  answers = [];
  sessionStorage.clear();
  vi.stubGlobal("fetch", async (url: string, init: RequestInit = {}) => {
    if (init.method !== "POST") return new Promise(() => {});
    sent.push({ url, body: JSON.parse(String(init.body)), key: new Headers(init.headers).get("idempotency-key") });
    return answers.shift()?.() ?? Response.json({ id: "incident-9", number: 9, version: 1, message: "Opened." });
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.clearAllMocks();
});

const onClose = vi.fn();

function show(draft: ReportDraft = {}, { open = [], role = "operator" }: { open?: IncidentView[]; role?: Role } = {}) {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Number.POSITIVE_INFINITY } } });
  queries.setQueryData(userKeys.session, { id: "u", username: "ana", name: "Ana", role });
  queries.setQueryData(fleetKeys.services, { services: [aService()], figures: {}, feeds: [] });
  queries.setQueryData(latestIncidentsQuery().queryKey, { items: open, nextCursor: null });
  render(
    <QueryClientProvider client={queries}>
      <TooltipProvider>
        <ReportDialog draft={draft} onClose={onClose} />
      </TooltipProvider>
    </QueryClientProvider>,
  );
}

const title = () => screen.getByLabelText("What is wrong");
const submit = () => fireEvent.submit(title().closest("form") ?? title());
const type = (text: string) => fireEvent.change(title(), { target: { value: text } });
const chooseByKey = (key: string) => fireEvent.keyDown(screen.getByRole("radio", { name: /^P1/ }), { key });

it("needs a title, a digit and Enter, and leads to what it opened", async () => {
  show();
  expect(document.activeElement).toBe(title());
  type("Documents open slowly");
  chooseByKey("2");
  submit();
  await waitFor(() => expect(router.push).toHaveBeenCalledWith("/incidents/incident-9"));
  expect(sent).toHaveLength(1);
  expect(sent[0]).toMatchObject({
    url: "/api/incidents",
    body: { title: "Documents open slowly", severity: "P2", services: [], links: [], isDrill: false, isAnother: false },
  });
  expect(sent[0]?.body).not.toHaveProperty("impactStartedAt");
  expect(onClose).toHaveBeenCalledOnce();
});

it("says beside each severity what it means", () => {
  show();
  expect(screen.getAllByRole("radio").map((radio) => radio.closest("label")?.textContent)).toEqual([
    "P1CriticalA service is down, or data are lost.",
    "P2HighA major feature is broken, or slow for many.",
    "P3MediumA minor feature is broken.",
    "P4LowCosmetic: nobody is kept from working.",
  ]);
});

it("sends nothing without a title and a severity, and says what is missing", () => {
  show();
  submit();
  expect(screen.getByText("Say in a few words what is wrong.")).toBeDefined();
  expect(screen.getByText("Choose one: 1 to 4.")).toBeDefined();
  expect(sent).toEqual([]);
});

it("begins with what the page where one is knows", async () => {
  const impactStartedAt = "2026-11-21T11:50:00.000Z";
  const links: ReportDraft["links"] = [{ kind: "alert", targetId: "0197a000-0000-7000-8000-000000000001" }];
  show({ title: "p95 of relay is 400 ms.", severity: "P1", services: ["fleet/relay"], impactStartedAt, links });
  submit();
  await waitFor(() => expect(sent).toHaveLength(1));
  expect(sent[0]?.body).toMatchObject({
    title: "p95 of relay is 400 ms.",
    severity: "P1",
    services: [{ namespace: "fleet", name: "relay" }],
    impactStartedAt,
    links,
  });
});

it("shows what is open on the same service, and opens a second one only when it is said to be another", async () => {
  show({ services: ["fleet/relay"] }, { open: [anIncident()] });
  const open = within(screen.getByRole("region", { name: "Open incidents on these services" }));
  expect(open.getByRole("link", { name: /^INC-12 Documents open slowly/ }).getAttribute("href")).toBe(
    "/incidents/0197a000-0000-7000-8000-000000000012",
  );
  type("Something else");
  chooseByKey("3");
  submit();
  expect(sent).toEqual([]);
  expect(open.getByRole("alert").textContent).toContain("or say that this is another");
  fireEvent.click(open.getByRole("checkbox", { name: "This is another incident" }));
  submit();
  await waitFor(() => expect(sent).toHaveLength(1));
  expect(sent[0]?.body).toMatchObject({ isAnother: true });
});

it("shows one that was opened meanwhile, as the server tells of it", async () => {
  answers = [
    () =>
      Response.json(
        {
          status: 409,
          code: "precondition-failed",
          detail: "INC-12 is open on relay.",
          incidents: [{ id: "incident-12", number: 12, title: "Documents open slowly", severity: "P2" }],
        },
        { status: 409 },
      ),
  ];
  show({ services: ["fleet/relay"] });
  type("Documents open slowly");
  chooseByKey("2");
  submit();
  expect((await screen.findByRole("link", { name: /^INC-12/ })).getAttribute("href")).toBe("/incidents/incident-12");
  fireEvent.click(screen.getByRole("checkbox", { name: "This is another incident" }));
  submit();
  await waitFor(() => expect(sent).toHaveLength(2));
  expect(sent[1]?.body).toMatchObject({ isAnother: true });
});

it("sends the same report under the same key, and another one under another", async () => {
  const fails = () => Response.json({ code: "internal", detail: "It failed." }, { status: 500 });
  answers = [fails, fails];
  show();
  type("Documents open slowly");
  chooseByKey("1");
  submit();
  await screen.findByText("It failed.");
  submit();
  await waitFor(() => expect(sent).toHaveLength(2));
  await screen.findByText("It failed.");
  type("Documents do not open");
  submit();
  await waitFor(() => expect(sent).toHaveLength(3));
  expect(sent[1]?.key).toBe(sent[0]?.key);
  expect(sent[2]?.key).not.toBe(sent[1]?.key);
});

it("keeps what was typed when the dialog is closed by mistake", () => {
  show();
  type("Documents open");
  cleanup();
  show();
  expect(screen.getByDisplayValue("Documents open")).toBe(title());
});

it("tells a viewer why they may not report", () => {
  show({}, { role: "viewer" });
  expect(screen.getByRole("button", { name: /^Report/ }).getAttribute("aria-description")).toContain("Needs the role operator");
  type("Documents open slowly");
  chooseByKey("1");
  submit();
  expect(sent).toEqual([]);
});
