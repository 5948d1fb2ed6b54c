import { unwrittenSections } from "./draft.ts";
import type { Gap, PostmortemCommand, PostmortemState, PostmortemView } from "./schemas.ts";

/** What decides whether a postmortem is whole. */
export type Wholeness = {
  text: string;
  version: number;
  isResolved: boolean;
  isRequired: boolean;
  items: number;
  openComments: number;
  approval: PostmortemView["approval"];
};

/** What a postmortem lacks before it can be published, a sentence each. */
export function gapsOf({ text, version, isResolved, isRequired, items, openComments, approval }: Wholeness): Gap[] {
  const gaps: Gap[] = [];
  if (!isResolved) gaps.push({ id: "unresolved", message: "The incident is not resolved yet." });
  const unwritten = unwrittenSections(text);
  if (unwritten.length > 0) gaps.push({ id: "unwritten", message: `Still to be written: ${unwritten.join(", ")}.` });
  if (isRequired && items === 0) gaps.push({ id: "no-items", message: "P1 and P2 need at least one action item." });
  if (openComments > 0) {
    gaps.push({
      id: "comments",
      message: openComments === 1 ? "A comment is not settled." : `${openComments} comments are not settled.`,
    });
  }
  const unapproved = isRequired ? whyUnapproved(approval, version) : null;
  if (unapproved !== null) gaps.push({ id: "approval", message: unapproved });
  return gaps;
}

function whyUnapproved(approval: Wholeness["approval"], version: number): string | null {
  if (approval === null) return "Nobody but its author has approved it: P1 and P2 are read by another person first.";
  return approval.version === version ? null : `The text was changed after ${approval.by} approved it.`;
}

/** What may be done with it now: null, or why not. Gaps keep nobody from asking for a review. */
export function allowedPostmortemCommands(
  state: PostmortemState,
  gaps: readonly Gap[],
  isApproved: boolean,
): Record<PostmortemCommand, string | null> {
  const published = state === "published" ? "It is published." : null;
  const notAsked = state === "draft" ? "Nobody has asked for a review of it." : null;
  return {
    review: published,
    approve: published ?? notAsked ?? (isApproved ? "This text is approved already." : null),
    return: published ?? notAsked,
    publish:
      state === "published" ? "It is published already." : gaps.length > 0 ? gaps.map(({ message }) => message).join(" ") : null,
    reopen: published === null ? "It is not published." : null,
  };
}

/** Who may not approve: who wrote it or answers for it. */
export function whyNotApprover(
  name: string,
  { owner, askedBy, writers }: { owner: string; askedBy: string | null; writers: readonly string[] },
): string | null {
  if (name === owner) return "You own it: another person has to approve it.";
  if (name === askedBy) return "You asked for this review: another person has to approve it.";
  return writers.includes(name) ? "You wrote the text that is to be approved: another person has to." : null;
}
