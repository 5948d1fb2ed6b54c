/** What counts series by its labels: `matchers` without those of a service. */
export type Series = { metric: string; matchers: string };

/** What daemons of a kind count of their users' requests by themselves. */
export type OwnCounts = {
  kinds: readonly string[];
  /** Kinds that are not named here export metrics of these names, too. */
  isShared: boolean;
  /** All requests are the sum of these. */
  all: readonly Series[];
  bad: Series;
  /** The histogram of their times, without its suffix. */
  seconds: string;
};

/**
 * What counts as a request and as a bad one, by kind of daemon: one table for charts, error budgets and recoveries, as the burn-rate
 * alerts count it (services/controller/deploy/alerts.yaml, service:sli_total:rate and service:sli_bad:rate).
 */
export const ownCounts: readonly OwnCounts[] = [
  {
    kinds: ["relay"],
    isShared: false,
    all: [{ metric: "materi_operations_processed_total", matchers: "" }],
    bad: { metric: "materi_operations_processed_total", matchers: 'status="error"' },
    seconds: "materi_operation_latency_seconds",
  },
  {
    kinds: ["hub", "edge"],
    isShared: true,
    all: [
      { metric: "messages_received", matchers: "" },
      { metric: "errors_total", matchers: "" },
    ],
    bad: { metric: "errors_total", matchers: "" },
    seconds: "request_duration_seconds",
  },
  {
    kinds: ["connector"],
    isShared: true,
    all: [{ metric: "connector_scans_total", matchers: "" }],
    // What asks for a target that is not allowed, or makes no sense, is its sender's fault.
    bad: { metric: "connector_scan_errors_total", matchers: 'reason!~"target_refused|invalid_scan"' },
    seconds: "connector_scan_duration_seconds",
  },
  {
    kinds: ["prober"],
    isShared: false,
    all: [{ metric: "switchyard_probe_requests_total", matchers: "" }],
    bad: { metric: "switchyard_probe_requests_total", matchers: 'result!="ok"' },
    seconds: "switchyard_probe_latency_seconds",
  },
];

/** The counts of a kind; null where nothing but its being there is known. */
export function ownCountsOf(kind: string): OwnCounts | null {
  return ownCounts.find(({ kinds }) => kinds.includes(kind)) ?? null;
}

/** Tokens are the issuer's, and a comparison of documents is no request of a client. */
export const clientOperations = 'operation!~"token|converge"';

/**
 * What the prober's clients do on a service of this kind: `target` is the label of its series, which is the name of the service, too.
 * `timed` leaves out what takes its time for other reasons; `isLedger`: acknowledged operations are followed to the other side.
 */
export type Probe = { target: string; operations: string; timed: string; isLedger: boolean };
export const probes: Readonly<Record<string, Probe>> = {
  relay: { target: "relay", operations: clientOperations, timed: 'operation!~"token|converge|connect"', isLedger: true },
  hub: { target: "hub", operations: clientOperations, timed: 'operation!~"token|converge|connect|scan"', isLedger: true },
  connector: { target: "hub", operations: 'operation="scan"', timed: 'operation="scan"', isLedger: false },
};

/** A selector of PromQL with all of these matchers; empty ones are left out. */
export function select({ metric, matchers }: Series, ...more: string[]): string {
  return `${metric}{${[...more, matchers].filter((one) => one !== "").join(",")}}`;
}
