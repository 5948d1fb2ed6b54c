import type { BackupDetail, BackupView, Coverage, PlanAnswer, ProofRunView } from "#lib/domain/recovery/backups/schemas.ts";
import type { Recoverability, ScenarioStanding } from "#lib/domain/recovery/objectives/schemas.ts";
import type { RestorePreview, RestoreView } from "#lib/domain/recovery/restores/schemas.ts";

/** B-12, a finished backup of fleet/relay whose checksums are good, for tests. */
export function aBackup(over: Partial<BackupView> = {}): BackupView {
  return {
    id: "backup-12",
    number: 12,
    subject: "fleet/relay",
    namespace: "fleet",
    service: "relay",
    purpose: "scheduled",
    state: "completed",
    proof: "checksums",
    message: "3 parts, 4 files.",
    reason: "By schedule.",
    requestedBy: "Switchyard",
    createdAt: "2026-11-21T11:40:00.000Z",
    startedAt: "2026-11-21T11:40:01.000Z",
    takenAt: "2026-11-21T11:40:02.000Z",
    finishedAt: "2026-11-21T11:40:20.000Z",
    provenAt: "2026-11-21T11:40:25.000Z",
    bytes: 12_582_912,
    storage: "s3://backups/switchyard",
    keyId: "age1relay",
    pinned: null,
    isActive: false,
    ...over,
  };
}

/** A proof whose one check passed, for tests. */
export function aProof(over: Partial<ProofRunView> = {}): ProofRunView {
  return {
    id: "proof-1",
    level: "checksums",
    state: "passed",
    message: "4 files read back, all as written.",
    checks: [{ name: "postgres/relay.dump", wanted: "sha256 aa11", found: "sha256 aa11", passed: true }],
    requestedBy: "Switchyard",
    createdAt: "2026-11-21T11:40:20.000Z",
    startedAt: "2026-11-21T11:40:20.000Z",
    finishedAt: "2026-11-21T11:40:25.000Z",
    durationMs: 5000,
    ...over,
  };
}

/** The same backup with a database and objects in it, for tests. */
export function aBackupDetail(over: Partial<BackupDetail> = {}): BackupDetail {
  return {
    backup: aBackup(),
    storageKey: "fleet/relay/12.age",
    sha256: "f00d",
    contents: {
      postgres: { address: { secret: "relay-database", key: "url" }, tables: null },
      redis: null,
      objects: true,
      logHours: null,
    },
    progress: [],
    parts: [
      {
        name: "postgres",
        title: "PostgreSQL relay",
        bytes: 12_000_000,
        files: 1,
        facts: [
          { label: "Tables", value: "3" },
          { label: "Rows of documents", value: "1,180" },
        ],
      },
      { name: "objects", title: "Kubernetes objects", bytes: 20_000, files: 3, facts: [{ label: "Deployment", value: "relay" }] },
    ],
    files: [
      { name: "postgres/relay.dump", bytes: 12_000_000, sha256: "aa11".repeat(16) },
      { name: "objects/deployment-relay.yaml", bytes: 4000, sha256: "bb22".repeat(16) },
    ],
    versions: [{ name: "PostgreSQL", version: "17.5" }],
    proofs: [aProof()],
    keptFor: ["one of the last 7", "the newest that is verified"],
    ...over,
  };
}

/** A plan of fleet/relay that somebody set, for tests. */
export function aPlan(over: Partial<PlanAnswer> = {}): PlanAnswer {
  return {
    subject: "fleet/relay",
    namespace: "fleet",
    service: "relay",
    isSet: true,
    contents: aBackupDetail().contents,
    cron: "0 2 * * *",
    timeZone: "UTC",
    proveCron: "0 4 * * 0",
    retention: { keepLast: 7, keepDaily: 7, keepWeekly: 4, keepMonthly: 0 },
    nextBackupAt: "2026-11-22T02:00:00.000Z",
    nextProofAt: "2026-11-22T04:00:00.000Z",
    updatedAt: "2026-11-20T10:00:00.000Z",
    updatedBy: "ana",
    found: aBackupDetail().contents,
    ...over,
  };
}

/** fleet/relay, covered 20 minutes ago where a minute is the objective, for tests. */
export function aCoverage(over: Partial<Coverage> = {}): Coverage {
  return {
    subject: "fleet/relay",
    namespace: "fleet",
    service: "relay",
    kind: "relay",
    plan: { isSet: true, cron: "0 2 * * *", timeZone: "UTC", nextBackupAt: "2026-11-22T02:00:00.000Z" },
    newest: aBackup(),
    newestVerified: aBackup(),
    exposureSeconds: 1200,
    rpoSeconds: 60,
    state: "stale",
    ...over,
  };
}

/** R-3, a restore of B-12 into scratch that is under way, for tests. */
export function aRestore(over: Partial<RestoreView> = {}): RestoreView {
  return {
    id: "restore-3",
    number: 3,
    backup: { id: "backup-12", number: 12, takenAt: "2026-11-21T11:40:02.000Z" },
    safetyBackup: null,
    subject: "fleet/relay",
    namespace: "fleet",
    service: "relay",
    mode: "scratch",
    intoNamespace: null,
    parts: ["postgres", "objects"],
    untilTime: null,
    reason: "to look into it",
    requestedBy: "ana",
    state: "running",
    message: "The database is restored.",
    steps: [
      {
        name: "Read the archive",
        state: "done",
        message: "12 MiB, every checksum good.",
        startedAt: "2026-11-21T11:59:00.000Z",
        finishedAt: "2026-11-21T11:59:05.000Z",
      },
      { name: "Restore PostgreSQL", state: "running", message: null, startedAt: "2026-11-21T11:59:05.000Z", finishedAt: null },
      { name: "Compare", state: "waiting", message: null, startedAt: null, finishedAt: null },
    ],
    checks: [],
    createdAt: "2026-11-21T11:58:59.000Z",
    startedAt: "2026-11-21T11:59:00.000Z",
    finishedAt: null,
    ...over,
  };
}

/** What a restore in place of B-12 would do, for tests. */
export function aRestorePreview(over: Partial<RestorePreview> = {}): RestorePreview {
  return {
    changes: [{ part: "postgres", what: "table documents", before: "1,204 rows", after: "1,180 rows" }],
    stops: [{ namespace: "fleet", name: "relay", replicas: 3 }],
    problems: [],
    lost: ["24 rows of documents written since 11:40:02"],
    pointInTime: { available: false, message: "The server archives no WAL: archive_mode is off.", span: null },
    ...over,
  };
}

export function aStanding(over: Partial<ScenarioStanding> = {}): ScenarioStanding {
  return {
    scenario: "instance",
    title: "Instance",
    objective: { rtoSeconds: 30, rpoSeconds: 0 },
    isOwn: false,
    measured: {
      drillId: "drill-5",
      drillNumber: 5,
      at: "2026-11-21T11:50:10.000Z",
      rtoMs: 4200,
      rpoMs: 0,
      lostWrites: 0,
      errorMs: 200,
      verdict: "met",
    },
    ...over,
  };
}

/** How fleet/relay could be recovered: an instance was tried, the database never; for tests. */
export function aRecoverability(over: Partial<Recoverability> = {}): Recoverability {
  return {
    subject: "fleet/relay",
    exposureSeconds: 1200,
    state: "stale",
    rpoSeconds: 60,
    newestVerified: aBackup(),
    running: null,
    nextBackupAt: "2026-11-22T02:00:00.000Z",
    scenarios: [
      aStanding(),
      aStanding({ scenario: "database", title: "Database", objective: { rtoSeconds: 3600, rpoSeconds: 60 }, measured: null }),
    ],
    ...over,
  };
}
