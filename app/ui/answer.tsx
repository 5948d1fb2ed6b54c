import Link from "next/link";
import type { ReactNode } from "react";
import { codeOf } from "#lib/client/api.ts";
import { Button } from "./button.tsx";
import { Empty, ErrorNotice, Skeleton } from "./notices.tsx";

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

/** One thing's page: what was last read of it, below why it could not be read again. */
export function ThingAnswer<T>({
  of: { data, error, errorUpdatedAt, refetch },
  thing,
  all,
  still,
  children,
}: {
  of: Query<T>;
  /** Its kind in lower case, e.g. "backup". */
  thing: string;
  /** The address of the list of them. */
  all: string;
  /** What holds while it cannot be read again. */
  still: string;
  children: (data: T) => ReactNode;
}) {
  if (data === undefined && codeOf(error) === "not-found") {
    return (
      <Empty title={`There is no such ${thing}`}>
        <Link href={all} className="text-accent hover:underline">
          See all {thing}s
        </Link>
      </Empty>
    );
  }
  return (
    <>
      {error && (
        <ErrorNotice
          className="m-4"
          what={`The ${thing} could not be read`}
          error={error}
          since={errorUpdatedAt}
          still={data === undefined ? undefined : still}
          onRetry={() => refetch()}
        />
      )}
      {data !== undefined ? children(data) : !error && <Skeleton className="m-4 h-24 max-w-3xl" />}
    </>
  );
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
