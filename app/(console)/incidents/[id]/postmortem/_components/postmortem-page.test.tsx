// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { postmortemQuery } from "#lib/client/postmortems.ts";
import { userKeys } from "#lib/client/users.ts";
import type { PostmortemAnswer, PostmortemView, VersionView } from "#lib/domain/incidents/postmortem/schemas.ts";
import type { Role } from "#lib/domain/users/schemas.ts";
import { TooltipProvider } from "../../../../../ui/tooltip.tsx";
import { PostmortemPage } from "./postmortem-page.tsx";

vi.mock("next/navigation", () => ({
  useRouter: () => ({ push: vi.fn() }),
  useSearchParams: () => new URLSearchParams(window.location.search),
}));
vi.mock("next/link", () => ({
  default: ({ children, href }: { children: ReactNode; href: string }) => <a href={href}>{children}</a>,
}));

const at = "2026-11-21T12:00:00.000Z";
const aPostmortem = (change: Partial<PostmortemView> = {}): PostmortemView => ({
  incidentId: "inc",
  state: "draft",
  owner: "olga",
  text: "# INC-12\n\n## Summary\n\nIt was slow.\n",
  version: 1,
  impact: null,
  createdAt: at,
  createdBy: "olga",
  updatedAt: at,
  updatedBy: "olga",
  reviewAt: null,
  reviewBy: null,
  publishedAt: null,
  publishedBy: null,
  comments: [],
  gaps: [],
  commands: { review: null, publish: null, reopen: "It is a draft." },
  ...change,
});

type Sent = { method: string; url: string; body: unknown };
let answer: PostmortemAnswer;
let sent: Sent[];
let versions: VersionView[];
let failing: boolean;
let refusal: string | null;

beforeEach(() => {
  sent = [];
  versions = [];
  failing = false;
  refusal = null;
  answer = {
    incident: { id: "inc", number: 12, title: "The relay is slow", severity: "P1", isDrill: false, resolvedAt: at },
    isRequired: true,
    postmortem: aPostmortem(),
  };
  localStorage.clear();
  sessionStorage.clear();
  window.history.replaceState(null, "", "/incidents/inc/postmortem?view=write");
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => {}, removeEventListener: () => {} }));
  vi.stubGlobal("fetch", async (url: string, { method = "GET", body }: RequestInit = {}) => {
    if (method !== "GET") sent.push({ method, url, body: body ? JSON.parse(String(body)) : undefined });
    if (failing) throw new TypeError("no network");
    if (url.includes("/api/action-items")) return Response.json({ items: [], nextCursor: null });
    if (url.endsWith("/versions")) return Response.json({ items: versions });
    const [, version] = /versions\/(\d+)$/.exec(url) ?? [];
    if (version) return Response.json({ version: Number(version), text: `Text of ${version}.\n` });
    if (method === "PUT") return save(JSON.parse(String(body)));
    if (method === "POST") return Response.json({ id: "inc", number: 12, version: 2, message: "Done." }, { status: 201 });
    const { postmortem } = answer;
    const isHeld = postmortem !== null && url.endsWith(`?after=${postmortem.version}`);
    return Response.json(isHeld ? { ...answer, postmortem: { ...postmortem, text: null } } : answer);
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function save({ version, text }: { version: number; text: string }): Response {
  const { postmortem } = answer;
  if (refusal) return Response.json({ code: "precondition-failed", detail: refusal }, { status: 409 });
  if (!postmortem || postmortem.version !== version) {
    return Response.json({ code: "stale", detail: "otto has changed the text meanwhile." }, { status: 409 });
  }
  answer = { ...answer, postmortem: { ...postmortem, version: version + 1, text } };
  return Response.json({ version: version + 1 });
}

async function show(role: Role = "operator") {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  queries.setQueryData(userKeys.session, { name: "olga", role });
  const view = render(
    <QueryClientProvider client={queries}>
      <TooltipProvider>
        <PostmortemPage id="inc" />
      </TooltipProvider>
    </QueryClientProvider>,
  );
  await screen.findByRole("heading", { name: "The relay is slow" });
  return { ...view, hear: () => act(() => queries.invalidateQueries({ queryKey: postmortemQuery("inc").queryKey })) };
}

const editor = () => screen.getByLabelText<HTMLTextAreaElement>("Text of the postmortem, Markdown");
const type = (text: string) => fireEvent.change(editor(), { target: { value: text } });
const status = (text: RegExp) =>
  waitFor(() => expect(screen.getByRole("region", { name: "The text" }).textContent).toMatch(text), { timeout: 5_000 });

describe("a postmortem that nobody has drafted", () => {
  it("says that it is required, and drafts it", async () => {
    answer = { ...answer, postmortem: null };
    await show();
    expect(screen.getByText("P1 needs a postmortem, and there is none yet")).toBeDefined();
    answer = { ...answer, postmortem: aPostmortem() };
    fireEvent.click(screen.getByRole("button", { name: "Draft the postmortem" }));
    await waitFor(() => expect(editor().value).toContain("It was slow."));
    expect(sent).toMatchObject([{ method: "POST", url: "/api/incidents/inc/postmortem" }]);
  });
});

describe("writing", () => {
  it("is saved by itself", async () => {
    await show();
    type("# INC-12\n\nMine.\n");
    await status(/Saving/);
    await status(/Saved/);
    expect(answer.postmortem).toMatchObject({ version: 2, text: "# INC-12\n\nMine.\n" });
  });

  it("stays in the browser while Switchyard does not answer, and is there again after the page was closed", async () => {
    const { unmount } = await show();
    failing = true;
    type("# INC-12\n\nTyped in the dark.\n");
    await status(/Kept in this browser/);
    unmount();
    failing = false;
    await show();
    expect(editor().value).toBe("# INC-12\n\nTyped in the dark.\n");
    await status(/Saved/);
    expect(answer.postmortem?.text).toBe("# INC-12\n\nTyped in the dark.\n");
    expect(localStorage).toHaveLength(0);
  });

  it("shows what another wrote beside what is typed here", async () => {
    const { hear } = await show();
    type("# INC-12\n\n## Summary\n\nIt was slow.\n\nMine.\n");
    answer = { ...answer, postmortem: aPostmortem({ version: 2, text: "# INC-12: slow\n\n## Summary\n\nIt was slow.\n" }) };
    await hear();
    await waitFor(() => expect(editor().value).toBe("# INC-12: slow\n\n## Summary\n\nIt was slow.\n\nMine.\n"), {
      timeout: 5_000,
    });
    await status(/Saved/);
    expect(answer.postmortem?.text).toBe("# INC-12: slow\n\n## Summary\n\nIt was slow.\n\nMine.\n");
  });

  it("asks which to keep where both changed the same words, and saves nothing before", async () => {
    const { hear } = await show();
    type("# INC-12\n\n## Summary\n\nIt was very slow.\n");
    answer = {
      ...answer,
      postmortem: aPostmortem({ version: 2, updatedBy: "otto", text: "# INC-12\n\n## Summary\n\nIt was quite slow.\n" }),
    };
    await hear();
    await status(/otto changed the same words/);
    const choice = screen.getByRole("region", { name: "Changed by both" });
    expect(within(choice).getByText("It was slow.")).toBeDefined();
    expect(answer.postmortem?.version).toBe(2);
    fireEvent.click(within(choice).getByLabelText("Mine"));
    fireEvent.click(within(choice).getByRole("button", { name: "Go on with this" }));
    await status(/Saved/);
    expect(answer.postmortem?.text).toBe("# INC-12\n\n## Summary\n\nIt was very slow.\n");
  });

  it("is told to be kept here only when another has published it meanwhile", async () => {
    const { hear } = await show();
    const published = aPostmortem({ state: "published", version: 2, publishedAt: at, publishedBy: "otto" });
    answer = { ...answer, postmortem: published };
    refusal = "This postmortem is published: reopen it, with a reason, to change it.";
    type("# INC-12\n\nToo late.\n");
    await hear();
    await status(/Not saved, kept in this browser: This postmortem is published/);
    expect(editor().value).toContain("Too late.");
    expect(answer.postmortem?.text).toBe(published.text);
    fireEvent.click(screen.getByRole("button", { name: "Discard what is not saved" }));
    expect(screen.queryByLabelText("Text of the postmortem, Markdown")).toBeNull();
    expect(screen.getByText("It was slow.")).toBeDefined();
  });

  it("is saved at once with Ctrl+S", async () => {
    await show();
    type("# INC-12\n\nNow.\n");
    fireEvent.keyDown(editor(), { key: "s", ctrlKey: true });
    await waitFor(() => expect(answer.postmortem?.version).toBe(2), { timeout: 500 });
  });

  it("is no viewer's: the text is shown as it reads", async () => {
    await show("viewer");
    expect(screen.queryByLabelText("Text of the postmortem, Markdown")).toBeNull();
    expect(screen.getByRole("heading", { name: "Summary" })).toBeDefined();
  });
});

describe("publishing", () => {
  it("names what is missing, and goes over it with a reason only", async () => {
    answer = {
      ...answer,
      postmortem: aPostmortem({ gaps: [{ id: "no-items", message: "P1 and P2 need at least one action item." }] }),
    };
    await show();
    fireEvent.click(screen.getByRole("button", { name: "Publish" }));
    const dialog = screen.getByRole("dialog");
    const publish = () => fireEvent.click(within(dialog).getByRole("button", { name: "Publish the postmortem" }));
    expect(within(dialog).getByText("P1 and P2 need at least one action item.")).toBeDefined();
    publish();
    fireEvent.click(within(dialog).getByLabelText("Publish it all the same"));
    publish();
    expect(within(dialog).getByText("Say why, in a few words.")).toBeDefined();
    expect(sent).toEqual([]);
    fireEvent.change(within(dialog).getByLabelText("Reason"), { target: { value: "nothing to do" } });
    publish();
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(sent).toEqual([
      { method: "POST", url: "/api/incidents/inc/postmortem/publish", body: { override: { reason: "nothing to do" } } },
    ]);
  });

  it("closes the text, which can be reopened", async () => {
    answer = { ...answer, postmortem: aPostmortem({ state: "published", publishedAt: at, publishedBy: "otto" }) };
    await show();
    expect(screen.queryByLabelText("Text of the postmortem, Markdown")).toBeNull();
    expect(screen.getByText("Published")).toBeDefined();
    expect(screen.getByRole("button", { name: "Reopen" })).toBeDefined();
    expect(screen.getByRole("link", { name: "Print" }).getAttribute("href")).toBe(
      "/api/incidents/inc/postmortem/export?format=html",
    );
  });
});

describe("the history", () => {
  it("shows what a version changed, and puts an older text back over the present one", async () => {
    const version = (number: number): VersionView => ({
      version: number,
      at,
      beganAt: at,
      by: "otto",
      mark: number === 1 ? "drafted" : null,
    });
    versions = [version(3), version(2), version(1)];
    answer = { ...answer, postmortem: aPostmortem({ version: 3 }) };
    await show();
    const history = screen.getByRole("region", { name: "History" });
    fireEvent.click(await within(history).findByRole("button", { name: /v2/ }));
    const diff = await screen.findByRole("figure", { name: "v1 compared with v2" });
    expect(diff.textContent).toContain("+1 −1");
    fireEvent.click(screen.getByRole("button", { name: "Put this text back" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(answer.postmortem).toMatchObject({ version: 4, text: "Text of 2.\n" });
    await waitFor(() => expect(editor().value).toBe("Text of 2.\n"), { timeout: 5_000 });
  });

  it("puts nothing back over a published text", async () => {
    versions = [{ version: 1, at, beganAt: at, by: "otto", mark: "drafted" }];
    answer = { ...answer, postmortem: aPostmortem({ version: 3, state: "published", publishedAt: at, publishedBy: "otto" }) };
    await show();
    fireEvent.click(await screen.findByRole("button", { name: /v1/ }));
    const button = await screen.findByRole("button", { name: "Put this text back" });
    expect(button.getAttribute("aria-description")).toBe("It is published: reopen it first.");
  });
});

it("has an owner, who can be another", async () => {
  await show();
  fireEvent.click(screen.getByRole("button", { name: "Owner: olga. Change" }));
  fireEvent.change(screen.getByLabelText("Owner"), { target: { value: " " } });
  fireEvent.click(screen.getByRole("button", { name: "Change the owner" }));
  expect(screen.getByText("Give a name.")).toBeDefined();
  fireEvent.change(screen.getByLabelText("Owner"), { target: { value: "otto" } });
  fireEvent.click(screen.getByRole("button", { name: "Change the owner" }));
  await waitFor(() => expect(sent).toEqual([{ method: "PATCH", url: "/api/incidents/inc/postmortem", body: { owner: "otto" } }]));
});

describe("a comment", () => {
  it("is added, and open ones can be settled", async () => {
    const comment = { id: "c1", at, by: "otto", text: "Why *so* late?", quote: "It was slow", settledAt: null, settledBy: null };
    answer = { ...answer, postmortem: aPostmortem({ comments: [comment] }) };
    await show();
    expect(screen.getByText("so").tagName).toBe("EM");
    fireEvent.click(screen.getByRole("button", { name: "Settle" }));
    fireEvent.change(screen.getByLabelText("Comment"), { target: { value: "Nobody looked." } });
    fireEvent.click(screen.getByRole("button", { name: "Comment" }));
    await waitFor(() => expect(sent).toHaveLength(2));
    expect(sent).toMatchObject([
      { method: "PATCH", url: "/api/incidents/inc/postmortem/comments/c1", body: { isSettled: true } },
      { method: "POST", url: "/api/incidents/inc/postmortem/comments", body: { text: "Nobody looked.", quote: null } },
    ]);
  });
});
