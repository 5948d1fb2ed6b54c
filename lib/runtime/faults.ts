import { setTimeout as sleep } from "node:timers/promises";
import { envValue } from "./env.ts";

/** Faults on demand, for drills and for trying canary analysis; off by default. */
export type Faults = {
  /** Waits for the injected latency and says whether to refuse the piece of work. */
  inject(): Promise<boolean>;
};

/** The settings of every daemon that can inject faults: spread them into its schema and hand them to `createFaults`. */
export const faultSettings = {
  FAULT_LATENCY_MS: envValue.integer(0, 60_000).prefault("0"),
  FAULT_ERROR_RATIO: envValue.ratio().prefault("0"),
};

/** Adds `latencyMs`, give or take a fifth, to every piece of work and refuses the share `errorRatio` of them. */
export function createFaults(options: { latencyMs: number; errorRatio: number; random?: () => number }): Faults {
  const { latencyMs, errorRatio, random = Math.random } = options;
  return {
    async inject() {
      if (latencyMs > 0) await sleep(latencyMs * (0.8 + 0.4 * random()));
      return errorRatio > 0 && random() < errorRatio;
    },
  };
}

/** Injects faults into pieces of work that must keep their order: each promise resolves after those before it. */
export function injectInOrder(faults: Faults): () => Promise<boolean> {
  let turn: Promise<unknown> = Promise.resolve();
  return () => {
    const injected = Promise.all([faults.inject(), turn]).then(([isRefused]) => isRefused);
    turn = injected.then(() => {});
    return injected;
  };
}
