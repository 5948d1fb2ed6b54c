/**
 * Synthetic users of one target. `start` returns once the probe's clients are under way (it does not wait for the target to be
 * reachable), `stop` once they are closed. A probe never throws because its target is away: it counts that in ProbeMetrics.
 */
export type Probe = {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
};
