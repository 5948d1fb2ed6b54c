import type { PortRange } from "#lib/protocol/hub-ports.ts";

/** What a port is, as it stands in the shared bytes of a scan; 0 is a port that was not tried or could not be told. */
export const portCodes = { unknown: 0, open: 1, closed: 2, filtered: 3 } as const;
/** In the same bytes: a port that is being tried, or is to be tried again. */
export const trying = 4;
export type PortState = keyof typeof portCodes;
/** The states by code. What was being tried when its scan ended is unknown. */
export const stateNames: PortState[] = ["unknown", "open", "closed", "filtered", "unknown"];

export type OpenPort = { port: number; connectMs: number; banner?: string };

/** The numbers that all threads of a scan share: the next port to try by its index, how many were tried and are open. */
export const counters = { next: 0, tried: 1, open: 2, count: 3 } as const;

/** One scan as a thread gets it. `numbers` and `states` are the same memory in every thread. */
export type ProbeTask = {
  id: number;
  address: string;
  ranges: PortRange[];
  portTimeoutMs: number;
  banners: boolean;
  numbers: Int32Array<SharedArrayBuffer>;
  states: Uint8Array<SharedArrayBuffer>;
};
