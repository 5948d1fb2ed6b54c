// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { fleetKeys } from "#lib/client/fleet.ts";
import { runbookVersionQuery } from "#lib/client/runbooks.ts";
import { userKeys } from "#lib/client/users.ts";
import type { RunbookView } from "#lib/domain/runbooks/schemas.ts";
import { ActionContext } from "../../../ui/actions/use-actions.ts";
import { TooltipProvider } from "../../../ui/tooltip.tsx";
import { RunbookEditor } from "./runbook-editor.tsx";

const sent: { path: string; body: unknown }[] = [];
let answer: () => Response;

beforeEach(() => {
  sent.length = 0;
  localStorage.clear();
  vi.stubGlobal("fetch", async (path: string, init: RequestInit = {}) => {
    if (!init.method || init.method === "GET") return new Promise(() => {});
    sent.push({ path, body: JSON.parse(String(init.body)) });
    return answer();
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function aRunbook(over: Partial<RunbookView> = {}): RunbookView {
  const row = { scope: "alert" as const, group: "relay", name: "RelayHighLatency", version: 3, isDelivered: false };
  return { ...row, at: "2026-11-21T12:00:00.000Z", by: "otto", text: "Wake Ada.", delivered: null, ...over };
}

const onDone = vi.fn();
function show(runbook: RunbookView, author = "ana", began?: string) {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Number.POSITIVE_INFINITY } } });
  queries.setQueryData(userKeys.session, { id: "u", username: "ana", name: "Ana", role: "operator" });
  queries.setQueryData(fleetKeys.services, { services: [], figures: {}, feeds: [] });
  const { scope, group, name, version } = runbook;
  if (began) queries.setQueryData(runbookVersionQuery({ scope, group, name }, version).queryKey, { version, text: began });
  const tree = (present: RunbookView) => (
    <QueryClientProvider client={queries}>
      <TooltipProvider>
        <ActionContext value={{ open: vi.fn() }}>
          <RunbookEditor runbook={present} author={author} onDone={onDone} />
        </ActionContext>
      </TooltipProvider>
    </QueryClientProvider>
  );
  const { rerender } = render(tree(runbook));
  return (present: RunbookView) => rerender(tree(present));
}
const field = () => screen.getByLabelText(/^Text of/) as HTMLTextAreaElement;
const type = (text: string) => fireEvent.change(field(), { target: { value: text } });

it("saves over the version that was read, and forgets what it kept", async () => {
  answer = () => Response.json(aRunbook({ version: 4, text: "Wake Otto." }));
  show(aRunbook());
  type("Wake Otto.");
  fireEvent.change(screen.getByLabelText(/^What was changed/), { target: { value: "Ada left" } });
  fireEvent.click(screen.getByRole("button", { name: "Save as version 4" }));
  await waitFor(() => expect(onDone).toHaveBeenCalled());
  expect(sent).toEqual([
    { path: "/api/runbooks/alert/relay/RelayHighLatency", body: { text: "Wake Otto.", version: 3, note: "Ada left" } },
  ]);
  expect(Object.keys(localStorage)).toEqual([]);
});

it("keeps what was typed when the tab is closed, for the same person only", () => {
  show(aRunbook());
  type("Half a thought");
  cleanup();
  show(aRunbook());
  expect(field().value).toBe("Half a thought");
  cleanup();
  show(aRunbook(), "otto");
  expect(field().value).toBe("Wake Ada.");
});

it("shows both texts when somebody else has saved, and sends nothing before the person has chosen", async () => {
  answer = () => Response.json(aRunbook({ version: 5 }));
  const update = show(aRunbook());
  type("Mine.");
  update(aRunbook({ version: 4, text: "Theirs.", by: "otto" }));
  expect(screen.getByRole("button", { name: "Join both" }).getAttribute("aria-description")).toMatch(/are being read/);
  expect(screen.getByRole("region", { name: "Somebody else's version" }).textContent).toContain("otto wrote version 4");
  fireEvent.click(screen.getByRole("button", { name: "Save as version 5" }));
  expect(sent).toEqual([]);
  fireEvent.click(screen.getByRole("button", { name: "Mine goes over it" }));
  fireEvent.click(screen.getByRole("button", { name: "Save as version 5" }));
  await waitFor(() => expect(sent).toHaveLength(1));
  expect(sent[0]?.body).toMatchObject({ text: "Mine.", version: 4 });
});

it("joins both texts from the version that both began from", async () => {
  answer = () => Response.json(aRunbook({ version: 5 }));
  const began = "1. Wake Ada.\n2. Roll back.\n3. Write it down.\n";
  const update = show(aRunbook({ text: began }), "ana", began);
  type(began.replace("Ada", "Otto"));
  update(aRunbook({ version: 4, text: began.replace("Write it down", "Tell everybody"), by: "otto" }));
  fireEvent.click(screen.getByRole("button", { name: "Join both" }));
  expect(field().value).toBe("1. Wake Otto.\n2. Roll back.\n3. Tell everybody.\n");
  fireEvent.click(screen.getByRole("button", { name: "Save as version 5" }));
  await waitFor(() => expect(sent[0]?.body).toMatchObject({ version: 4 }));
});

it("keeps the text when it cannot be saved", async () => {
  answer = () => Response.json({ status: 503, code: "database-unavailable", detail: "It does not answer." }, { status: 503 });
  show(aRunbook());
  type("Mine.");
  fireEvent.click(screen.getByRole("button", { name: "Save as version 4" }));
  expect((await screen.findByRole("alert")).textContent).toContain("It does not answer.");
  expect(field().value).toBe("Mine.");
});
