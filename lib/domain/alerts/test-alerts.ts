import { createHash, randomUUID } from "node:crypto";
import type { Database } from "#lib/database/client.ts";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { testContext } from "../actions/test-fleet.ts";
import { FleetStore } from "../fleet/live.ts";
import type { Role } from "../users/schemas.ts";
import { searchText } from "./search-text.ts";
import type { FleetContext } from "./suspect-actions.ts";

/** The instant at which the tests of alerts stand. */
export const testNow = new Date("2026-11-21T12:00:00Z");
export const minutesAgo = (minutes: number) => new Date(testNow.getTime() - minutes * 60_000);

/** A console's context for tests of alerts: no cluster, an empty fleet, a clock that stands. */
export function alertContext(db: Database, role: Role = "operator", fleet: FleetStore = emptyFleet()): FleetContext {
  const kubernetes = null as unknown as KubernetesClient;
  const clock = () => testNow;
  return { ...testContext({ db, kubernetes, clock }, { role }), fleet };
}

function emptyFleet(): FleetStore {
  const fleet = new FleetStore({ now: () => testNow });
  fleet.close();
  return fleet;
}

export type TestEpisode = {
  name?: string;
  severity?: string;
  namespace?: string;
  service?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  startsAt?: Date;
  endsAt?: Date | null;
  silencedBy?: string[];
  inhibited?: boolean;
  acknowledgedAt?: Date | null;
};

/** Makes a source; its members, if any, are asked for silences. */
export async function makeSource(db: Database, name = "embedded", urls: string[] = []): Promise<string> {
  const { id } = await db.alertSource.create({
    data: {
      name,
      secretHash: randomUUID(),
      secretPrefix: "swa_",
      createdAt: testNow,
      createdByName: "test",
      members: { create: urls.map((url) => ({ url })) },
    },
  });
  return id;
}

/** Writes an episode as ingest does, with its series; returns its id. */
export async function makeEpisode(db: Database, sourceId: string, episode: TestEpisode = {}): Promise<string> {
  const { name = "RelayHighLatency", severity = "warning", namespace = "fleet", service = "relay" } = episode;
  const { annotations = { summary: "Latency is high" }, startsAt = minutesAgo(10), endsAt = null, ...rest } = episode;
  const labels: Record<string, string> = { alertname: name, severity, namespace, service, ...episode.labels };
  const fingerprint = createHash("sha256").update(JSON.stringify(labels)).digest("hex").slice(0, 16);
  await db.alertSeries.upsert({
    where: { sourceId_fingerprint: { sourceId, fingerprint } },
    create: { sourceId, fingerprint, labels, searchText: searchText(labels, annotations), startsAt, endsAt },
    update: { startsAt, endsAt },
  });
  const { id } = await db.alertEpisode.create({
    data: {
      sourceId,
      fingerprint,
      openKey: endsAt ? null : `${sourceId} ${fingerprint}`,
      name,
      severity,
      namespace,
      service,
      instance: labels.pod ?? null,
      labels,
      annotations,
      state: endsAt ? "resolved" : "firing",
      startsAt,
      endsAt,
      firstReceivedAt: startsAt,
      lastReceivedAt: endsAt ?? startsAt,
      closedBy: endsAt ? "webhook" : null,
      silencedBy: rest.silencedBy ?? [],
      inhibited: rest.inhibited ?? false,
      acknowledgedAt: rest.acknowledgedAt ?? null,
      acknowledgedByName: rest.acknowledgedAt ? "otto" : null,
      transitions: { create: { at: startsAt, recordedAt: startsAt, kind: "fired", by: "webhook" } },
    },
  });
  return id;
}

/** Removes all alerts and what hangs on them. */
export async function clearAlerts(db: Database): Promise<void> {
  await db.alertEpisode.deleteMany();
  await db.alertSource.deleteMany();
  await db.auditEntry.deleteMany();
}
