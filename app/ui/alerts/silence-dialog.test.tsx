// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { anAlert, aSource, liveAlerts } from "#lib/client/alert-fixtures.ts";
import { alertKeys } from "#lib/client/alerts.ts";
import { userKeys } from "#lib/client/users.ts";
import { TooltipProvider } from "../tooltip.tsx";
import { SilenceDialog } from "./silence-dialog.tsx";

const silence = {
  id: "silence-1",
  source: "embedded",
  state: "active",
  matchers: [],
  text: '{alertname="RelayHighLatency"}',
  startsAt: "2026-11-21T12:00:00.000Z",
  endsAt: "2026-11-21T13:00:00.000Z",
  updatedAt: "2026-11-21T12:00:00.000Z",
  createdBy: "ana",
  comment: "upgrade",
  hides: 1,
  endsSoon: false,
};
const previews: unknown[] = [];
const created: unknown[] = [];
let answer: () => Response;
let previewed: Record<string, unknown>;

beforeEach(() => {
  previews.length = 0;
  created.length = 0;
  sessionStorage.clear();
  answer = () => Response.json({ silence, replacedId: null, auditId: "a" });
  previewed = { text: "", alerts: [anAlert()], alertCount: 1, rules: [], rulesProblem: null, warnings: [] };
  vi.stubGlobal("fetch", async (url: string, init: RequestInit = {}) => {
    const body = init.body ? JSON.parse(String(init.body)) : null;
    if (url.endsWith("/preview")) {
      previews.push(body);
      return Response.json(previewed);
    }
    if (init.method === "POST") {
      created.push(body);
      return answer();
    }
    return Response.json(liveAlerts([]));
  });
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function open() {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Number.POSITIVE_INFINITY } } });
  queries.setQueryData(userKeys.session, { id: "u", username: "ana", name: "Ana", role: "operator" });
  queries.setQueryData([...alertKeys.live, {}], liveAlerts([], { sources: [aSource()] }));
  render(
    <QueryClientProvider client={queries}>
      <TooltipProvider>
        <SilenceDialog
          request={{ alerts: [anAlert({ labels: { alertname: "RelayHighLatency", service: "relay", pod: "relay-a" } })] }}
          onClose={() => {}}
        />
      </TooltipProvider>
    </QueryClientProvider>,
  );
}
const submit = () => fireEvent.click(screen.getByRole("button", { name: /^Silence/ }));
const equal = (name: string, value: string) => ({ name, value, isEqual: true, isRegex: false });

describe("the dialog of a silence", () => {
  it("is filled in from the alert and shows what it would hide before anything is sent", async () => {
    open();
    expect(await screen.findByText("Hides 1 firing alert")).toBeTruthy();
    expect(previews).toEqual([
      { source: "embedded", matchers: [equal("alertname", "RelayHighLatency"), equal("service", "relay")] },
    ]);
    expect(created).toEqual([]);
  });

  it("asks again what it would hide when a condition changes", async () => {
    open();
    await screen.findByText("Hides 1 firing alert");
    fireEvent.click(screen.getByRole("button", { name: 'Add pod="relay-a"' }));
    await waitFor(() => expect(previews).toHaveLength(2));
    expect(previews[1]).toMatchObject({ matchers: [{}, {}, equal("pod", "relay-a")] });
  });

  it("does not ask and does not send while a condition cannot be one", async () => {
    open();
    await screen.findByText("Hides 1 firing alert");
    fireEvent.change(screen.getByLabelText("Comparison 1"), { target: { value: "=~" } });
    fireEvent.change(screen.getByLabelText("Value 1"), { target: { value: "(" } });
    expect(screen.getByText("Not a regular expression.")).toBeTruthy();
    fireEvent.change(screen.getByLabelText("Reason"), { target: { value: "upgrade" } });
    vi.useFakeTimers({ shouldAdvanceTime: true });
    submit();
    await vi.advanceTimersByTimeAsync(2000);
    expect(screen.getByText(/Complete the conditions/)).toBeTruthy();
    expect(previews).toHaveLength(1);
    expect(created).toEqual([]);
  });

  it("sends nothing without a reason and says so at the field", () => {
    open();
    submit();
    expect(screen.getByText(/Say why/)).toBeTruthy();
    expect(created).toEqual([]);
  });

  it("warns of what should be thought of first", async () => {
    previewed = { ...previewed, alerts: [], alertCount: 0, warnings: ["It would hide the Watchdog."] };
    open();
    expect(await screen.findByText("It would hide the Watchdog.")).toBeTruthy();
    expect(screen.getByText("Hides nothing that fires now")).toBeTruthy();
  });

  it("sends the conditions, the length and the reason, and becomes the silence that was made", async () => {
    open();
    fireEvent.click(screen.getByRole("button", { name: "2 h" }));
    fireEvent.change(screen.getByLabelText("Reason"), { target: { value: " database upgrade " } });
    submit();
    expect(await screen.findByText("Silenced")).toBeTruthy();
    expect(created).toEqual([
      {
        source: "embedded",
        matchers: [equal("alertname", "RelayHighLatency"), equal("service", "relay")],
        durationMinutes: 120,
        reason: "database upgrade",
      },
    ]);
  });

  it("keeps what was typed when it is refused, and when it is closed and opened again", async () => {
    answer = () => Response.json({ status: 503, code: "alertmanager-unavailable", detail: "No answer." }, { status: 503 });
    open();
    fireEvent.change(screen.getByLabelText("Reason"), { target: { value: "database upgrade" } });
    submit();
    expect(await screen.findByText("No answer.")).toBeTruthy();
    cleanup();
    open();
    expect((screen.getByLabelText("Reason") as HTMLTextAreaElement).value).toBe("database upgrade");
  });
});
