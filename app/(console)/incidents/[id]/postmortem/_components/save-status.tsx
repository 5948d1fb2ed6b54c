import { CloudAlert, CloudCheck, GitMerge, LoaderCircle } from "lucide-react";
import type { DraftView } from "#lib/client/draft-session.ts";
import { Button } from "../../../../../ui/button.tsx";

/** Where what was typed is: with Switchyard, on its way, or only in this browser. */
export function SaveStatus({
  onDiscard,
  view: { status, error },
  updatedBy,
}: {
  view: Pick<DraftView, "status" | "error">;
  updatedBy: string;
  onDiscard: () => void;
}) {
  return (
    <span role="status" aria-live="polite" className="inline-flex items-center gap-1.5 [&_svg]:size-3.5">
      {status === "saved" && (
        <>
          <CloudCheck aria-hidden="true" className="text-good" /> Saved
        </>
      )}
      {status === "saving" && (
        <>
          <LoaderCircle aria-hidden="true" className="animate-spin" /> Saving
        </>
      )}
      {status === "unreachable" && (
        <span className="inline-flex items-center gap-1.5 text-warn">
          <CloudAlert aria-hidden="true" /> Kept in this browser; it is saved once Switchyard answers
        </span>
      )}
      {status === "refused" && (
        <span className="inline-flex items-center gap-1.5 text-bad">
          <CloudAlert aria-hidden="true" /> Not saved, kept in this browser: {error?.message}
          <Button size="small" look="ghost" onClick={onDiscard}>
            Discard what is not saved
          </Button>
        </span>
      )}
      {status === "conflict" && (
        <span className="inline-flex items-center gap-1.5 text-warn">
          <GitMerge aria-hidden="true" /> {updatedBy} changed the same words: choose below, nothing is saved until then
        </span>
      )}
    </span>
  );
}
