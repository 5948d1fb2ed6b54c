import { AlertmanagerClient } from "#lib/alertmanager/client.ts";
import type { AlertmanagerSilence } from "#lib/alertmanager/schemas.ts";
import type { Database } from "#lib/database/client.ts";
import { DomainError } from "../errors.ts";
import { formatMatchers } from "./matchers.ts";
import { expiryNoticeMinutes, type SilencesAnswer, type SilenceView } from "./silences-schemas.ts";

const timeoutMs = 4_000;

/** One Alertmanager cluster: each member has every silence, so any may be asked. */
export type SourceMembers = { source: string; clients: AlertmanagerClient[] };
export type KnownSilence = { source: string; silence: AlertmanagerSilence };

/** The sources that are not disabled, or the one of a name; throws not-found. */
export async function readMembers(db: Database, name?: string): Promise<SourceMembers[]> {
  const rows = await db.alertSource.findMany({
    where: { disabledAt: null, name },
    orderBy: { name: "asc" },
    include: { members: { orderBy: { url: "asc" } } },
  });
  if (name !== undefined && rows.length === 0) throw new DomainError("not-found", `There is no source of alerts named ${name}.`);
  return rows.map((row) => ({
    source: row.name,
    clients: row.members.map(({ url }) => new AlertmanagerClient({ url, timeoutMs })),
  }));
}

/** The one source meant; throws invalid-input where a name is needed. */
export async function readOneSource(db: Database, name: string | undefined): Promise<SourceMembers> {
  const sources = (await readMembers(db, name)).filter(({ clients }) => clients.length > 0);
  const [source] = sources;
  if (source && sources.length === 1) return source;
  const message = source
    ? `Say which source: ${sources.map((each) => each.source).join(", ")}.`
    : "No source of alerts has an Alertmanager to ask; add its address under Settings, Alert sources.";
  throw new DomainError("invalid-input", message, { fields: { source: [message] } });
}

/** The silences of all members, each once as the member that heard of it last has it, and which members did not answer. */
export async function readSilences(sources: readonly SourceMembers[]) {
  const asked = sources.flatMap(({ source, clients }) => clients.map((client) => ({ source, client })));
  const answers = await Promise.all(
    asked.map(async ({ source, client }) => {
      try {
        return { source, url: client.url, silences: await client.listSilences(), problem: null };
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        return { source, url: client.url, silences: [], problem: error.message };
      }
    }),
  );
  const newest = new Map<string, KnownSilence>();
  for (const { source, silences } of answers) {
    for (const silence of silences) {
      const known = newest.get(silence.id);
      if (!known || Date.parse(known.silence.updatedAt) < Date.parse(silence.updatedAt))
        newest.set(silence.id, { source, silence });
    }
  }
  const members: SilencesAnswer["members"] = answers.map(({ source, url, problem }) => ({ source, url, problem }));
  return { silences: [...newest.values()], members };
}

/** Tries the members of a cluster one after the other until one answers. What one refuses, all would. */
export async function askAny<T>({ source, clients }: SourceMembers, ask: (client: AlertmanagerClient) => Promise<T>): Promise<T> {
  let failure: unknown = new DomainError("alertmanager-unavailable", `The source ${source} has no Alertmanager to ask.`);
  for (const client of clients) {
    try {
      return await ask(client);
    } catch (error) {
      if (!(error instanceof DomainError && error.code === "alertmanager-unavailable")) throw error;
      failure = error;
    }
  }
  throw failure;
}

/** A silence as pages show it. `hides` counts the open alerts that it hides now. */
export function viewSilence({ source, silence }: KnownSilence, hides: number, now: Date): SilenceView {
  const { id, status, matchers, startsAt, endsAt, updatedAt, createdBy, comment } = silence;
  return {
    id,
    source,
    state: status.state,
    matchers,
    text: formatMatchers(matchers),
    startsAt: new Date(startsAt).toISOString(),
    endsAt: new Date(endsAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
    createdBy,
    comment,
    hides,
    endsSoon: status.state === "active" && Date.parse(endsAt) - now.getTime() <= expiryNoticeMinutes * 60_000,
  };
}

/** How many open alerts each silence hides, by its id. */
export async function countHidden(db: Database): Promise<Map<string, number>> {
  const rows = await db.$queryRaw<{ id: string; count: number }[]>`
    SELECT silence AS id, count(*)::int AS count FROM alert_episodes, unnest(silenced_by) AS silence
    WHERE state = 'firing' GROUP BY 1`;
  return new Map(rows.map(({ id, count }) => [id, count]));
}
