import type { ReactNode } from "react";
import { Button } from "./button.tsx";
import { ErrorNotice } from "./notices.tsx";

/** The parts of a query that decide what is shown. */
type Query<T> = { data: T | undefined; error: Error | null; errorUpdatedAt: number; refetch: () => unknown };

/** A query's answer as a page shows it: what is known, or why nothing is, or that it is on its way. */
export function Answer<T>({
  of: { data, error, errorUpdatedAt, refetch },
  what,
  still,
  waiting,
  children,
}: {
  of: Query<T>;
  /** What failed when there is no answer, e.g. "The fleet could not be read". */
  what: string;
  /** What works all the same. */
  still?: string;
  waiting: ReactNode;
  children: (data: T) => ReactNode;
}) {
  if (data !== undefined) return children(data);
  if (!error) return waiting;
  return <ErrorNotice className="m-4" what={what} error={error} since={errorUpdatedAt} still={still} onRetry={() => refetch()} />;
}

/** The button below a list that is read page by page. */
export function OlderOnes({ of }: { of: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown } }) {
  if (!of.hasNextPage) return null;
  return (
    <div className="p-4 text-center">
      <Button busy={of.isFetchingNextPage} onClick={() => of.fetchNextPage()}>
        Show older ones
      </Button>
    </div>
  );
}
