import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { renderToString } from "react-dom/server";
import { expect, it } from "vitest";
import { postmortemFactsQuery, postmortemQuery } from "#lib/client/postmortems.ts";
import { userKeys } from "#lib/client/users.ts";
import type { PostmortemAnswer } from "#lib/domain/incidents/postmortem/schemas.ts";
import { testFacts } from "#lib/domain/incidents/postmortem/test-facts.ts";
import { TooltipProvider } from "../../../../../ui/tooltip.tsx";
import { PostmortemPage } from "./postmortem-page.tsx";

const at = "2026-11-21T12:00:00.000Z";
const answer: PostmortemAnswer = {
  incident: { id: "inc", number: 12, title: "The relay is slow", severity: "P1", isDrill: false, resolvedAt: at },
  isRequired: true,
  postmortem: {
    incidentId: "inc",
    state: "draft",
    owner: "olga",
    text: "## Summary\n\nIt was slow.\n",
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
    comments: [{ id: "c", at, by: "otto", text: "Why so late?", quote: null, userId: null, settledAt: null, settledBy: null }],
    gaps: [{ id: "no-items", message: "P1 and P2 need at least one action item." }],
    commands: {
      review: null,
      approve: "Nobody has asked.",
      return: "Nobody has asked.",
      publish: null,
      reopen: "It is a draft.",
    },
  },
};

it("comes from the server with its text, what is missing and what others said, without any store of a browser", () => {
  const queries = new QueryClient();
  queries.setQueryData(postmortemQuery("inc").queryKey, answer);
  const overridden = { ...testFacts, overrideReason: "the prober is down" };
  queries.setQueryData(postmortemFactsQuery("inc").queryKey, overridden);
  queries.setQueryData(userKeys.session, { name: "olga", role: "operator" });
  const page = renderToString(
    <QueryClientProvider client={queries}>
      <TooltipProvider>
        <PostmortemPage id="inc" />
      </TooltipProvider>
    </QueryClientProvider>,
  );
  for (const words of [
    "It was slow.",
    "One thing is missing",
    "Why so late?",
    "TTD 1 m 30 s",
    "Resolved in spite of the evidence.",
  ])
    expect(page).toContain(words);
  expect(page).not.toContain("<textarea");
});
