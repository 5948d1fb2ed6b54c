// @vitest-environment jsdom
import { EditorView } from "@codemirror/view";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { postmortemQuery } from "#lib/client/postmortems.ts";
import { userKeys } from "#lib/client/users.ts";
import type { PostmortemAnswer, PostmortemView, VersionView } from "#lib/domain/incidents/postmortem/schemas.ts";
import { testFacts } from "#lib/domain/incidents/postmortem/test-facts.ts";
import type { Role } from "#lib/domain/users/schemas.ts";
import { TooltipProvider } from "../../../../../ui/tooltip.tsx";
import { PostmortemPage } from "./postmortem-page.tsx";

const at = "2026-11-21T12:00:00.000Z";
const aPostmortem = (change: Partial<PostmortemView> = {}): PostmortemView => ({
  incidentId: "inc",
  state: "draft",
  owner: "olga",
  text: "# INC-12\n\n## Summary\n\nIt was slow.\n",
  version: 1,
  createdAt: at,
  createdBy: "olga",
  updatedAt: at,
  updatedBy: "olga",
  reviewAt: null,
  reviewBy: null,
  reviewer: null,
  approval: null,
  overrideReason: null,
  publishedAt: null,
  publishedBy: null,
  comments: [],
  gaps: [],
  commands: { review: null, approve: "Nobody has asked.", return: "Nobody has asked.", publish: null, reopen: "It is a draft." },
  ...change,
});

type Sent = { method: string; url: string; body: unknown; key?: string };
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
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      disconnect() {}
    },
  );
  vi.stubGlobal("fetch", async (url: string, { method = "GET", body, headers }: RequestInit = {}) => {
    const key = new Headers(headers).get("idempotency-key") ?? undefined;
    if (method !== "GET")
      sent.push({ method, url, body: typeof body === "string" ? JSON.parse(body) : undefined, ...(key && { key }) });
    if (failing) throw new TypeError("no network");
    if (url === "/api/people") return Response.json([]);
    if (url.endsWith("/images")) return Response.json({ address: "/api/incidents/inc/images/p" });
    if (url.endsWith("/facts")) return Response.json(testFacts);
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
  queries.setQueryData(userKeys.session, { id: "1", username: "olga", name: "Olga", role });
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

const editor = () => screen.getByRole("textbox", { name: "Text of the postmortem, Markdown" });
const editorView = () => EditorView.findFromDOM(editor());
const written = () => editorView()?.state.doc.toString();
const type = (text: string) =>
  act(() => editorView()?.dispatch({ changes: { from: 0, to: editorView()?.state.doc.length, insert: text } }));
const status = (text: RegExp) =>
  waitFor(() => expect(screen.getByRole("region", { name: "The text" }).textContent).toMatch(text), { timeout: 5_000 });

describe("a postmortem that nobody has drafted", () => {
  it("says that it is required, and drafts it", async () => {
    answer = { ...answer, postmortem: null };
    await show();
    expect(screen.getByText("P1 needs a postmortem, and there is none yet")).toBeDefined();
    answer = { ...answer, postmortem: aPostmortem() };
    fireEvent.click(screen.getByRole("button", { name: "Draft the postmortem" }));
    await waitFor(() => expect(written()).toContain("It was slow."));
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
    expect(written()).toBe("# INC-12\n\nTyped in the dark.\n");
    await status(/Saved/);
    expect(answer.postmortem?.text).toBe("# INC-12\n\nTyped in the dark.\n");
    expect(localStorage).toHaveLength(0);
  });

  it("is not saved in the name of another person who signs in: that one is shown it", async () => {
    const { unmount } = await show();
    failing = true;
    type("# INC-12\n\n## Summary\n\nIt was slow.\n\nBy another.\n");
    await status(/Kept in this browser/);
    unmount();
    const [[key = "", kept = ""] = []] = Object.entries({ ...localStorage });
    localStorage.setItem(key, kept.replace('"id":"1"', '"id":"2"'));
    failing = false;
    sent = [];
    await show();
    expect(written()).not.toContain("By another.");
    fireEvent.click(screen.getByRole("button", { name: "Look at it" }));
    const dialog = screen.getByRole("dialog");
    expect(within(dialog).getByText(/left text in this browser that was not saved/)).toBeDefined();
    fireEvent.click(within(dialog).getByRole("button", { name: "Join it with the text" }));
    await waitFor(() => expect(written()).toContain("By another."));
    await status(/Saved/);
    expect(localStorage).toHaveLength(0);
  });

  it("shows what another wrote beside what is typed here", async () => {
    const { hear } = await show();
    type("# INC-12\n\n## Summary\n\nIt was slow.\n\nMine.\n");
    answer = { ...answer, postmortem: aPostmortem({ version: 2, text: "# INC-12: slow\n\n## Summary\n\nIt was slow.\n" }) };
    await hear();
    await waitFor(() => expect(written()).toBe("# INC-12: slow\n\n## Summary\n\nIt was slow.\n\nMine.\n"), {
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
    expect(within(choice).getByText("Before").closest("figure")?.textContent).toContain("It was slow.");
    const marked = [...choice.querySelectorAll("mark")].map(({ textContent }) => textContent?.trim());
    expect(marked).toEqual(["very", "quite"]);
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
    expect(written()).toContain("Too late.");
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

  it("takes a picture that is pasted, and keeps it with the incident", async () => {
    await show();
    const picture = new File(["x"], "graph.png", { type: "image/png" });
    fireEvent.paste(editor(), { clipboardData: { files: [picture], getData: () => "" } });
    expect(written()).toContain("![graph.png, on its way");
    await waitFor(() => expect(written()).toContain("![graph.png](/api/incidents/inc/images/p)"));
    await status(/Saved/);
    expect(answer.postmortem?.text).toContain("![graph.png](/api/incidents/inc/images/p)");
  });

  it("is no viewer's: the text is shown as it reads", async () => {
    await show("viewer");
    expect(screen.queryByLabelText("Text of the postmortem, Markdown")).toBeNull();
    expect(screen.getByRole("heading", { name: "Summary" })).toBeDefined();
  });
});

describe("publishing", () => {
  const missing = { gaps: [{ id: "no-items" as const, message: "P1 and P2 need at least one action item." }] };

  it("names what is missing, and goes over it with an administrator's reason only", async () => {
    answer = { ...answer, postmortem: aPostmortem(missing) };
    await show("admin");
    fireEvent.click(screen.getByRole("button", { name: "Publish" }));
    const dialog = screen.getByRole("dialog");
    const publish = () => fireEvent.click(within(dialog).getByRole("button", { name: "Publish the postmortem" }));
    expect(within(dialog).getByText("P1 and P2 need at least one action item.")).toBeDefined();
    publish();
    fireEvent.click(within(dialog).getByLabelText(/Publish it all the same/));
    publish();
    expect(within(dialog).getByText("Say why, in a few words.")).toBeDefined();
    expect(sent).toEqual([]);
    fireEvent.change(within(dialog).getByLabelText("Reason"), { target: { value: "nothing to do" } });
    publish();
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(sent).toMatchObject([
      { method: "POST", url: "/api/incidents/inc/postmortem/publish", body: { override: { reason: "nothing to do" } } },
    ]);
  });

  it("over what is missing is no operator's, and nobody's while the incident is open", async () => {
    answer = { ...answer, postmortem: aPostmortem(missing) };
    const { unmount } = await show();
    fireEvent.click(screen.getByRole("button", { name: "Publish" }));
    expect(screen.getByText("An administrator may publish it all the same, with a reason.")).toBeDefined();
    expect(screen.queryByRole("checkbox")).toBeNull();
    unmount();
    const gaps = [{ id: "unresolved" as const, message: "The incident is not resolved yet." }];
    answer = { ...answer, postmortem: aPostmortem({ gaps }) };
    await show("admin");
    fireEvent.click(screen.getByRole("button", { name: "Publish" }));
    expect(screen.queryByRole("checkbox")).toBeNull();
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

describe("a review", () => {
  it("is asked of somebody", async () => {
    await show();
    fireEvent.click(screen.getByRole("button", { name: "Ask for a review" }));
    const dialog = screen.getByRole("dialog");
    fireEvent.change(within(dialog).getByLabelText("Reviewer"), { target: { value: "otto" } });
    fireEvent.click(within(dialog).getByRole("button", { name: "Ask for a review" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(sent).toMatchObject([{ method: "POST", url: "/api/incidents/inc/postmortem/review", body: { reviewer: "otto" } }]);
  });

  const inReview = {
    state: "review" as const,
    reviewAt: at,
    reviewBy: "ada",
    reviewer: "olga",
    commands: { review: null, approve: null, return: null, publish: "Nobody has approved it.", reopen: "It is not published." },
  };

  it("ends with an approval, or with a word on what is still to be done", async () => {
    answer = { ...answer, postmortem: aPostmortem({ ...inReview, owner: "ada" }) };
    await show();
    expect(screen.getByText(/ada asked olga for a review/)).toBeDefined();
    fireEvent.click(screen.getByRole("button", { name: "Approve" }));
    fireEvent.click(screen.getByRole("button", { name: "Approve the postmortem" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    fireEvent.click(screen.getByRole("button", { name: "Give back" }));
    fireEvent.click(screen.getByRole("button", { name: "Give it back" }));
    expect(screen.getByText("Say why, in a few words.")).toBeDefined();
    fireEvent.change(screen.getByLabelText("Reason"), { target: { value: "the cause is missing" } });
    fireEvent.click(screen.getByRole("button", { name: "Give it back" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(sent.map(({ url, body }) => [url.split("/").at(-1), body])).toEqual([
      ["approve", {}],
      ["return", { reason: "the cause is missing" }],
    ]);
  });

  it("is not ended by who owns it", async () => {
    answer = { ...answer, postmortem: aPostmortem(inReview) };
    await show();
    expect(screen.getByRole("button", { name: "Approve" }).getAttribute("aria-description")).toMatch(/another person has to/);
  });
});

describe("the facts", () => {
  it("stand beside the text: times, impact, changes before, the timeline, and the mark of an override", async () => {
    await show();
    const facts = await screen.findByRole("region", { name: "Facts" });
    expect(facts.textContent).toContain("2026-11-21 12:01:30 UTC · TTD 1 m 30 s");
    expect(facts.textContent).toContain("at most 512; 480 when it began");
    expect(facts.textContent).not.toContain("in spite of the evidence");
    expect(screen.getByRole("region", { name: "Changes before the impact" }).textContent).toContain(
      "2 m before, on relay itself",
    );
    const note = within(screen.getByRole("region", { name: "Timeline" })).getByText("image");
    expect(note.tagName).toBe("STRONG");
  });

  it("are measured again on demand, and not once they are kept", async () => {
    await show();
    fireEvent.click(await screen.findByRole("button", { name: "Measure again" }));
    await waitFor(() => expect(sent).toEqual([{ method: "POST", url: "/api/incidents/inc/postmortem/impact", body: {} }]));
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
    await waitFor(() => expect(written()).toBe("Text of 2.\n"), { timeout: 5_000 });
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
    const comment = {
      id: "c1",
      at,
      by: "otto",
      text: "Why *so* late?",
      quote: "It was slow",
      userId: null,
      settledAt: null,
      settledBy: null,
    };
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

  it("that had no answer is sent again with its key, also from another tab", async () => {
    const { unmount } = await show();
    failing = true;
    const write = () => fireEvent.click(screen.getByRole("button", { name: "Comment" }));
    fireEvent.change(screen.getByLabelText("Comment"), { target: { value: "Nobody looked." } });
    write();
    await screen.findByText(/The comment was not added/);
    unmount();
    sessionStorage.clear();
    failing = false;
    await show();
    expect(screen.getByLabelText<HTMLTextAreaElement>("Comment").value).toBe("Nobody looked.");
    write();
    await waitFor(() => expect(screen.getByLabelText<HTMLTextAreaElement>("Comment").value).toBe(""));
    const [first, second] = sent.filter(({ url }) => url.endsWith("/comments"));
    expect(second?.key).toBe(first?.key);
    expect(first?.key).toMatch(/^\w+/);
    expect(localStorage).toHaveLength(0);
  });

  it("of one's own can be edited and removed", async () => {
    const own = { id: "c1", at, by: "Olga", text: "Why?", quote: null, userId: "1", settledAt: null, settledBy: null };
    answer = { ...answer, postmortem: aPostmortem({ comments: [own, { ...own, id: "c2", by: "otto", userId: "2" }] }) };
    await show();
    fireEvent.click(screen.getByRole("button", { name: "Edit" }));
    fireEvent.change(screen.getByLabelText("Words of the comment"), { target: { value: "Why so late?" } });
    fireEvent.click(screen.getByRole("button", { name: "Save" }));
    fireEvent.click(await screen.findByRole("button", { name: "Remove" }));
    await waitFor(() => expect(sent).toHaveLength(2));
    expect(sent).toMatchObject([
      { method: "PATCH", url: "/api/incidents/inc/postmortem/comments/c1", body: { text: "Why so late?" } },
      { method: "DELETE", url: "/api/incidents/inc/postmortem/comments/c1" },
    ]);
  });
});
