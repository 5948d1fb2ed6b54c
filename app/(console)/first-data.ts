import { type DehydratedState, dehydrate, QueryClient, type QueryKey } from "@tanstack/react-query";
import type { ConsoleContext } from "#lib/domain/context.ts";
import { DomainError } from "#lib/domain/errors.ts";
import { getPageContext } from "#lib/web/session.ts";

/** A key, and what it holds. */
export type Read = readonly [QueryKey, (context: ConsoleContext) => unknown];

/**
 * Reads what a page shows first into the keys that the browser keeps it under. What cannot be read is left out: the browser
 * asks for it again and shows why it failed. Without a session the person is sent to the login and back to `path`; a layout
 * knows no path and leaves that to its page.
 */
export async function readFirstData(path: string | null, reads: Read[]): Promise<DehydratedState | null> {
  const context = await getPageContext(path ?? "/").catch((error: unknown) => {
    if (error instanceof DomainError || path === null) return null;
    throw error;
  });
  if (!context) return null;
  const queries = new QueryClient();
  await Promise.all(
    reads.map(async ([key, read]) => {
      try {
        queries.setQueryData(key, await read(context));
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
      }
    }),
  );
  return dehydrate(queries);
}
