import type { ServiceRef } from "../../fleet/schemas.ts";
import type { RecoveryCheck } from "../schemas.ts";

/** Where a drill is. Each stage may be repeated: a killed controller's successor goes on from what is written here. */
export const stages = ["check", "baseline", "strike", "watch", "clean", "settle"] as const;
export type Stage = (typeof stages)[number];

/** What is struck. `uid` is the one that was there: what comes in its place is another. `needs`: backups that are restored before. */
export type Prey =
  | { kind: "instance"; namespace: string; service: string; pod: string; uid: string; node: string | null }
  | { kind: "node"; node: string; pods: string[] }
  | { kind: "service"; ref: ServiceRef; workload: "Deployment" | "StatefulSet"; uid: string; replicas: number }
  | { kind: "release"; ref: ServiceRef; image: string; container: string; uid: string; templateHash: string }
  | { kind: "data"; backupId: string; takenAt: string; into: string | null; needs?: string[]; what?: string };

/** Times are ISO 8601. */
export type DrillRun = {
  stage: Stage;
  stageSince: string;
  /** Who watches: a service of kind prober, what it calls the target, and its process. */
  witness: { ref: ServiceRef; target: string; epoch: string; since: string } | null;
  prey: Prey | null;
  /** Ids of the services that may suffer: what is struck, what needs it, and what the drill is about. */
  affected: string[];
  /** Ids of those that were not healthy before. */
  unwell: string[];
  /** Meant to be done, done, and seen to be done. */
  strike: { intendedAt: string; doneAt: string | null; confirmedAt: string | null; evidence: string | null } | null;
  alert: { episodeId: string; name: string; startsAt: string; receivedAt: string } | null;
  /** What somebody has to do before it can recover; null where the platform does it. */
  remedy: { startedAt: string; doneAt: string | null; message: string } | null;
  /** The restore that brings the data back. */
  restoreId: string | null;
  /** When clients were seen to be served again, and until when they were watched. */
  recoveredAt: string | null;
  watchedUntil: string | null;
  /** When what was struck was seen to be back. */
  backAt: string | null;
  /** Since when a service outside is not healthy. */
  outside: { id: string; since: string } | null;
  abort: { by: string; reason: string } | null;
  /** What is left to be cleaned up, once that has been given up. */
  leftOver: string | null;
  checks: RecoveryCheck[];
  /** hub: what each edge had dropped before the fault; null where that was not asked. */
  edges: EdgeDrops[] | null;
};

/** What one instance of an edge has dropped since it began. */
export type EdgeDrops = { pod: string; uid: string; dropped: number | null };

export const firstRun = (now: Date): DrillRun => ({
  stage: "check",
  stageSince: now.toISOString(),
  witness: null,
  prey: null,
  affected: [],
  unwell: [],
  strike: null,
  alert: null,
  remedy: null,
  restoreId: null,
  recoveredAt: null,
  watchedUntil: null,
  backAt: null,
  outside: null,
  abort: null,
  leftOver: null,
  checks: [],
  edges: null,
});

/** A prey for people. */
export function describePrey(prey: Prey): string {
  switch (prey.kind) {
    case "instance":
      return prey.pod;
    case "node":
      return prey.node;
    case "service":
      return prey.ref.name;
    case "release":
      return prey.image;
    case "data":
      return prey.what ?? "its data";
  }
}
