"use client";
import { ErrorNotice } from "../ui/notices.tsx";

/** What stands in the place of a page that failed; the navigation beside it still works. */
export default function PageError({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  const told = new Error(
    error.digest
      ? `It is in the web process's log under ${error.digest}.`
      : "Load the page again; if it stays, look at the web process's log.",
  );
  return <ErrorNotice className="m-4" what="This page failed" error={told} still="The other pages still work." onRetry={reset} />;
}
