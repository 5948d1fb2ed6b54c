import type { Expectations, History } from "./history.ts";

/** Messages a second of all producers together, how many producers, and how many pairs of phases a case takes that measures. */
export type Load = { perSecond: number; producers: number; pairs: number };

export type Case = Expectations & {
  name: string;
  /** Somebody else's program, for comparison: it cannot fail the run. */
  isPeer?: boolean;
  /** It measures: nothing else runs beside it. */
  isAlone?: boolean;
  run: (history: History) => Promise<void>;
};

/** Cases that are run one after the other; `stop` ends what they share. */
export type CaseGroup = { cases: Case[]; stop: () => Promise<void> };

/** Thrown by a case that cannot be run on this machine, with the reason. */
export class Skip extends Error {
  override readonly name = "Skip";
}
