import { setTimeout as sleep } from "node:timers/promises";

/** Faults on demand, for drills and for trying canary analysis; off by default. */
export type Faults = {
  /** Waits for the injected latency and says whether to refuse the submission. */
  inject(): Promise<boolean>;
};

/** Adds `latencyMs`, give or take a fifth, to every submission and refuses the share `errorRatio` of them. */
export function createFaults(options: { latencyMs: number; errorRatio: number; random?: () => number }): Faults {
  const { latencyMs, errorRatio, random = Math.random } = options;
  return {
    async inject() {
      if (latencyMs > 0) await sleep(latencyMs * (0.8 + 0.4 * random()));
      return errorRatio > 0 && random() < errorRatio;
    },
  };
}
