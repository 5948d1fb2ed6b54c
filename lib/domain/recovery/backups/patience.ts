import { setTimeout as sleep } from "node:timers/promises";
import type { PartSource } from "../archive/pack.ts";

const patience = { forMs: 60_000, everyMs: 2_000 };

/**
 * The same part, which is tried for a minute before it fails: a server that starts again just when a schedule falls due would otherwise
 * be without a backup until the next time, which may be a day away.
 */
export function patiently(part: PartSource, { forMs, everyMs } = patience): PartSource {
  return {
    ...part,
    open: async (signal) => {
      const until = performance.now() + forMs;
      for (;;) {
        try {
          return await part.open(signal);
        } catch (error) {
          if (signal.aborted || performance.now() >= until) throw error;
        }
        await sleep(everyMs, undefined, { signal });
      }
    },
  };
}
