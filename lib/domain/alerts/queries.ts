import { AlertmanagerClient } from "#lib/alertmanager/client.ts";
import { authorise, type Context, translateDatabaseErrors } from "../context.ts";
import { DomainError } from "../errors.ts";
import { serviceRefSchema } from "../fleet/schemas.ts";
import { parseId, parseInput } from "../validation.ts";
import { type Episode, readSources, type Sources, textsOf, viewEpisodes } from "./rows.ts";
import { type AlertDetail, type AlertFacets, type AlertSpans, type SourceState, spansSchema } from "./schemas.ts";
import { type FleetContext, findSuspects, suspectedServices } from "./suspect-actions.ts";
import { suspectMinutes } from "./suspects.ts";
import { describeTransition } from "./transition-texts.ts";

const maxPrevious = 20;
const maxSpans = 1_000;
const maxFacets = 200;
const silenceTimeoutMs = 1_000;

/** One alert with all that is known of it; throws not-found. */
export async function getAlert(context: FleetContext, id: string): Promise<AlertDetail> {
  authorise(context, "viewer", "see alerts");
  const { db, fleet, clock } = context;
  const episode = await translateDatabaseErrors(() =>
    db.alertEpisode.findUnique({
      where: { id: parseId(id, "alert") },
      include: { transitions: { orderBy: [{ at: "asc" }, { recordedAt: "asc" }] } },
    }),
  );
  if (!episode)
    throw new DomainError("not-found", "There is no alert with this id. Alerts older than the retention are removed.");
  const { sourceId, fingerprint, startsAt } = episode;
  const earlier = { sourceId, fingerprint, startsAt: { lt: startsAt } };
  return translateDatabaseErrors(async () => {
    const [sources, suspects, previous, previousTotal] = await Promise.all([
      readSources(db),
      findSuspects(db, fleet, [episode]),
      db.alertEpisode.findMany({ where: earlier, orderBy: { startsAt: "desc" }, take: maxPrevious }),
      db.alertEpisode.count({ where: earlier }),
    ]);
    const [[row, ...previousEpisodes], silences] = await Promise.all([
      viewEpisodes(db, [episode, ...previous], sources, clock()),
      describeSilences(sources, episode),
    ]);
    if (!row) throw new DomainError("not-found", "There is no alert with this id.");
    return {
      ...row,
      transitions: episode.transitions.map(({ id: transitionId, at, recordedAt, kind, by, detail }) => ({
        id: transitionId,
        at: at.toISOString(),
        recordedAt: recordedAt.toISOString(),
        kind,
        by,
        text: describeTransition({ kind, by, detail }),
      })),
      suspects: suspects.get(episode.id) ?? [],
      suspectsFrom: { minutes: suspectMinutes, services: suspectedServices(fleet, episode) },
      runbook: findRunbook(context, episode),
      silences,
      previousEpisodes,
      previousTotal,
      sourceState: sources.get(sourceId) ?? unknownSource,
      firstReceivedAt: episode.firstReceivedAt.toISOString(),
      lastReceivedAt: episode.lastReceivedAt.toISOString(),
    };
  });
}

const unknownSource: SourceState = {
  name: "",
  disabled: true,
  lastReceivedAt: null,
  watchdogAt: null,
  blindSince: null,
  blindReason: null,
  members: [],
};

/** The alert's own runbook, else its service's. Only web addresses: the text comes from outside and becomes a link. */
function findRunbook({ fleet }: FleetContext, { annotations, namespace, service }: Episode): string | null {
  const ofService = namespace && service ? fleet.findService(`${namespace}/${service}`)?.service.about.runbook : null;
  const candidates = [textsOf(annotations).runbook_url, textsOf(annotations).runbook, ofService];
  return candidates.find((address) => address && /^https?:\/\//i.test(address) && URL.canParse(address)) ?? null;
}

/** The silences that hide an alert, from whichever Alertmanager of its source knows them first, within a second. */
async function describeSilences(sources: Sources, { sourceId, silencedBy, state }: Episode): Promise<AlertDetail["silences"]> {
  if (silencedBy.length === 0 || state === "resolved") return [];
  const clients = (sources.get(sourceId)?.members ?? []).map(
    ({ url }) => new AlertmanagerClient({ url, timeoutMs: silenceTimeoutMs }),
  );
  return Promise.all(
    silencedBy.map(async (id) => {
      const asked = clients.map(async (client) => (await client.findSilence(id)) ?? Promise.reject(new Error("not known")));
      const silence = await Promise.any(asked).catch(() => null);
      return {
        id,
        createdBy: silence?.createdBy ?? null,
        comment: silence?.comment ?? null,
        endsAt: silence?.endsAt ?? null,
      };
    }),
  );
}

/** A service's alerts that were firing within a range, for charts to shade; the newest 1,000. */
export async function listAlertSpans(context: Context, params: unknown, input: unknown): Promise<AlertSpans> {
  authorise(context, "viewer", "see alerts");
  const { namespace, name: service } = parseInput(serviceRefSchema, params);
  const { from, to } = parseInput(spansSchema, input);
  const rows = await translateDatabaseErrors(() =>
    context.db.alertEpisode.findMany({
      where: { namespace, service, startsAt: { lt: to }, OR: [{ endsAt: null }, { endsAt: { gte: from } }] },
      orderBy: { startsAt: "desc" },
      take: maxSpans,
      select: { id: true, name: true, severity: true, startsAt: true, endsAt: true, acknowledgedAt: true },
    }),
  );
  return {
    spans: rows.toReversed().map(({ startsAt, endsAt, acknowledgedAt, ...row }) => ({
      ...row,
      startsAt: startsAt.toISOString(),
      endsAt: endsAt?.toISOString() ?? null,
      acknowledged: acknowledgedAt !== null,
    })),
  };
}

/** What there is to filter alerts by, the most frequent first. */
export async function listAlertFacets(context: Context): Promise<AlertFacets> {
  authorise(context, "viewer", "see alerts");
  const { db } = context;
  const byCount = { _count: { fingerprint: "desc" } } as const;
  const [sources, severities, names, services] = await translateDatabaseErrors(() =>
    Promise.all([
      db.alertSource.findMany({ orderBy: { name: "asc" }, select: { name: true } }),
      db.alertEpisode.groupBy({ by: "severity", orderBy: byCount, take: maxFacets }),
      db.alertEpisode.groupBy({ by: "name", orderBy: byCount, take: maxFacets }),
      db.alertEpisode.groupBy({
        by: ["namespace", "service"],
        where: { service: { not: null } },
        orderBy: byCount,
        take: maxFacets,
      }),
    ]),
  );
  return {
    sources: sources.map(({ name }) => name),
    severities: severities.map(({ severity }) => severity),
    names: names.map(({ name }) => name),
    services: services.flatMap(({ namespace, service }) => (service === null ? [] : [{ namespace, service }])),
  };
}
