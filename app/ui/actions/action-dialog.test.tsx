// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { aService } from "#lib/client/fixtures.ts";
import { fleetKeys } from "#lib/client/fleet.ts";
import { userKeys } from "#lib/client/users.ts";
import type { Role } from "#lib/domain/users/schemas.ts";
import { TooltipProvider } from "../tooltip.tsx";
import { ActionDialog } from "./action-dialog.tsx";
import { ActionProvider } from "./action-provider.tsx";

vi.mock("../live/live-provider.tsx", () => ({ useWatchedService: () => {} }));
type Sent = { url: string; body: Record<string, unknown>; key: string | null };
const sent: Sent[] = [];
let answers: Response[] = [];
const preview = {
  changes: [{ field: "replicas", before: "3", after: "5" }],
  template: null,
  unchanged: ["The version stays."],
  affected: [],
  nothingToDo: null,
};

beforeEach(() => {
  sent.length = 0;
  answers = [];
  sessionStorage.clear();
  vi.stubGlobal("fetch", async (url: string, init: RequestInit = {}) => {
    if (url.includes("dryRun")) return Response.json(preview);
    if (init.method === "POST") {
      sent.push({ url, body: JSON.parse(String(init.body)), key: new Headers(init.headers).get("idempotency-key") });
      return (
        answers.shift() ??
        Response.json({ auditId: "a", rolloutId: null, outcome: "succeeded", message: "Scaled." }, { status: 202 })
      );
    }
    return Response.json({});
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function open(role: Role = "operator") {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Number.POSITIVE_INFINITY } } });
  const service = aService({ desired: 3 });
  queries.setQueryData(userKeys.session, { id: "u", username: "ana", name: "Ana", role });
  queries.setQueryData(fleetKeys.services, { services: [service], figures: {}, feeds: [] });
  queries.setQueryData(fleetKeys.service(service.id), { service, instances: [], events: [], figures: {}, serviceFigures: null });
  render(
    <QueryClientProvider client={queries}>
      <TooltipProvider>
        <ActionProvider>
          <ActionDialog request={{ verb: "scale", service: service.id, values: { replicas: 5 } }} onClose={() => {}} />
        </ActionProvider>
      </TooltipProvider>
    </QueryClientProvider>,
  );
  const scale = (desired: number) =>
    queries.setQueryData(fleetKeys.services, { services: [aService({ desired })], figures: {}, feeds: [] });
  return { scale };
}
const submit = () => fireEvent.click(screen.getByRole("button", { name: /^Scale relay to/ }));
const giveReason = (text: string) => fireEvent.change(screen.getByLabelText("Reason"), { target: { value: text } });

describe("the dialog of an action", () => {
  it("shows what will change and what will not before anything is sent", async () => {
    open();
    expect(await screen.findByText("The version stays.")).toBeTruthy();
    expect(sent).toEqual([]);
  });

  it("sends nothing without a reason and says so at the field", () => {
    open();
    submit();
    expect(screen.getByRole("alert").textContent).toMatch(/say why/i);
    expect(sent).toEqual([]);
  });

  it("sends what is wanted, why and what was seen, with a key, and becomes the proof", async () => {
    open();
    giveReason("evening load");
    submit();
    expect(await screen.findByText("Done")).toBeTruthy();
    expect(sent[0]?.url).toBe("/api/services/fleet/relay/actions/scale");
    expect(sent[0]?.body).toEqual({ replicas: 5, reason: "evening load", seen: { uid: "uid-relay", replicas: 3 } });
    expect(sent[0]?.key).toMatch(/^[0-9a-f]{32}$/);
    expect(screen.getByRole("button", { name: "Scale back to 3" })).toBeTruthy();
  });

  it("keeps its key when the same is tried again and takes another for something else", async () => {
    open();
    const unavailable = () =>
      Response.json({ status: 503, code: "kubernetes-unavailable", detail: "No answer." }, { status: 503 });
    answers = [unavailable(), unavailable()];
    giveReason("evening load");
    submit();
    await screen.findByText("No answer.");
    submit();
    await waitFor(() => expect(sent).toHaveLength(2));
    await screen.findByText("No answer.");
    giveReason("another reason");
    submit();
    await waitFor(() => expect(sent).toHaveLength(3));
    expect(sent[1]?.key).toBe(sent[0]?.key);
    expect(sent[2]?.key).not.toBe(sent[0]?.key);
  });

  it("shows what changed when it is stale, and goes on with the present values", async () => {
    const { scale } = open();
    answers = [
      Response.json(
        { status: 409, code: "stale", detail: "It changed.", changed: [{ field: "replicas", seen: "3", now: "4" }] },
        { status: 409 },
      ),
    ];
    giveReason("evening load");
    submit();
    expect(await screen.findByText(/changed since you opened this/)).toBeTruthy();
    scale(4);
    fireEvent.click(await screen.findByRole("button", { name: "Use the present values" }));
    await waitFor(() => expect(screen.queryByText(/changed since you opened this/)).toBeNull());
    submit();
    await waitFor(() => expect(sent[1]?.body).toMatchObject({ seen: { replicas: 4 } }));
  });

  it("warns as soon as the service moves on, before anything is sent", async () => {
    const { scale } = open();
    scale(4);
    expect(await screen.findByText(/changed since you opened this/)).toBeTruthy();
  });

  it("keeps the reason when it is closed and opened again", () => {
    open();
    giveReason("half a sen");
    cleanup();
    open();
    expect((screen.getByLabelText("Reason") as HTMLTextAreaElement).value).toBe("half a sen");
  });

  it("does not let a viewer send, and says why", () => {
    vi.stubGlobal(
      "ResizeObserver",
      class {
        observe() {}
        unobserve() {}
        disconnect() {}
      },
    );
    open("viewer");
    giveReason("evening load");
    const button = screen.getByRole("button", { name: /^Scale relay to/ });
    expect(button.getAttribute("aria-disabled")).toBe("true");
    expect(button.getAttribute("aria-description")).toMatch(/operator/);
    submit();
    expect(sent).toEqual([]);
  });
});
