import type { QueryClient, QueryKey } from "@tanstack/react-query";

/**
 * What to do on a hint that something below a key changed: it is asked again, one round at a time. A hint that comes during a
 * round starts another when that is done, so that many hints neither pile up nor keep any answer from arriving.
 */
export function onHint(queries: Pick<QueryClient, "invalidateQueries">, queryKey: QueryKey): () => void {
  let isRunning = false;
  let again = false;
  const run = async () => {
    isRunning = true;
    do {
      again = false;
      await queries.invalidateQueries({ queryKey }, { cancelRefetch: false });
    } while (again);
    isRunning = false;
  };
  return () => {
    if (isRunning) again = true;
    else void run();
  };
}
