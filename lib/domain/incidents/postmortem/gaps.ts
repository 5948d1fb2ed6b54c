import { unwrittenSections } from "./draft.ts";
import type { Gap, PostmortemCommand, PostmortemState } from "./schemas.ts";

/** What decides whether a postmortem is whole. */
export type Wholeness = { text: string; isResolved: boolean; isRequired: boolean; items: number; openComments: number };

/** What a postmortem lacks before it can be published, a sentence each. */
export function gapsOf({ text, isResolved, isRequired, items, openComments }: Wholeness): Gap[] {
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
  return gaps;
}

/** What may be done with it now: null, or why not. Gaps keep nobody from asking for a review. */
export function allowedPostmortemCommands(
  state: PostmortemState,
  gaps: readonly Gap[],
): Record<PostmortemCommand, string | null> {
  const isPublished = state === "published";
  return {
    review: isPublished ? "It is published." : state === "review" ? "It is in review already." : null,
    publish: isPublished ? "It is published already." : gaps.length > 0 ? gaps.map(({ message }) => message).join(" ") : null,
    reopen: state === "draft" ? "It is a draft." : null,
  };
}
