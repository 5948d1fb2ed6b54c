import type { Sql, Statement } from "#lib/database/pipeline.ts";
import { makeUuid } from "#lib/database/uuid.ts";
import type { AlertChange } from "../notifications/announce.ts";
import {
  deleteEpisodes,
  type EpisodeRow,
  freeOpenKeys,
  insertEpisodes,
  insertTransitions,
  keepAcknowledgements,
  moveTransitions,
  type RefreshRow,
  refreshEpisodes,
  refreshSeries,
  type SeriesRow,
  type SuppressionRow,
  suppressEpisodes,
  type TransitionRow,
  updateEpisodes,
  updateSeries,
} from "./episode-rows.ts";
import { type Change, type EpisodeState, endOf, startOf } from "./policy.ts";
import { searchText } from "./search-text.ts";
import { keyOf, type SeriesKey, type StoredEpisode } from "./series-store.ts";
import type { AlertNotice } from "./webhook-body.ts";

const maxColumnLength = 200;

/** Who learned of a change. */
export type Learner = "webhook" | "poll";

/** What is to be written of one alert: its episodes as they were read, and how they change. */
export type SeriesChanges = {
  key: SeriesKey;
  /** What was last told of the alert; null only when no episode is new. */
  facts: Omit<AlertNotice, "notice" | "fingerprint"> | null;
  stored: readonly StoredEpisode[];
  changes: readonly Change[];
  /** Silences that hide it and whether it is inhibited, when a poll knows. */
  suppression?: { silencedBy: string[]; inhibited: boolean };
};

/** The rows of a transaction, collected alert by alert and written by a few statements. */
export class EpisodeChanges {
  readonly #by: Learner;
  readonly #now: number;
  readonly #nowText: string;
  readonly #inserts: EpisodeRow[] = [];
  readonly #updates: EpisodeRow[] = [];
  readonly #merges: { id: string; into: string }[] = [];
  readonly #transitions: TransitionRow[] = [];
  readonly #suppressions: SuppressionRow[] = [];
  readonly #series: SeriesRow[] = [];
  readonly #refreshes: RefreshRow[] = [];
  /** What to tell people of, in the order in which it was collected. */
  readonly announcements: AlertChange[] = [];

  constructor(by: Learner, now: Date) {
    this.#by = by;
    this.#now = now.getTime();
    this.#nowText = now.toISOString();
  }

  get count(): number {
    return this.#inserts.length + this.#updates.length + this.#merges.length + this.#suppressions.length;
  }

  add(entry: SeriesChanges): void {
    const { key, stored, changes } = entry;
    if (changes.length === 0) return;
    const byId = new Map(stored.map((episode) => [episode.state.id, episode]));
    const remaining = new Map<string, EpisodeState>(stored.map(({ state }) => [state.id, state]));
    const ids = new Map<EpisodeState, string>();
    for (const { before, after } of changes) {
      if (!after) continue;
      const id = before?.id ?? makeUuid(this.#now);
      ids.set(after, id);
      remaining.set(id, after);
      const known = before?.id ? byId.get(before.id) : undefined;
      if (before && known) this.#change(entry, known, before, after);
      else this.#insert(entry, id, after);
    }
    for (const change of changes) {
      if (change.after || !change.before.id) continue;
      remaining.delete(change.before.id);
      const into = change.into.id ?? ids.get(change.into);
      if (!into) continue;
      this.#merges.push({ id: change.before.id, into });
      this.#endMerged(byId.get(change.before.id), change.before, change.into);
      this.#note(into, "merged", this.#now, { episodeId: change.before.id });
    }
    const hasNew = changes.some(({ before }) => before === null);
    this.#setNewest(key, remaining, hasNew ? entry.facts : null);
  }

  /** Adds what happened to an episode. `at` in milliseconds. */
  #note(episodeId: string, kind: string, at: number, detail: unknown = null): void {
    this.#transitions.push({
      id: makeUuid(this.#now),
      episode_id: episodeId,
      at: iso(at),
      recorded_at: this.#nowText,
      kind,
      by: this.#by,
      detail,
    });
  }

  #insert({ key, facts, suppression }: SeriesChanges, id: string, after: EpisodeState): void {
    if (!facts) throw new Error("a new episode wants to know its alert");
    const { labels, annotations, generatorUrl } = facts;
    const told = {
      name: column(labels.alertname) ?? "unnamed",
      severity: column(labels.severity) ?? "none",
      namespace: column(labels.namespace),
      service: column(labels.service),
    };
    const { silencedBy = [], inhibited = false } = suppression ?? {};
    this.#inserts.push({
      ...evidence(key, id, after),
      ...told,
      source_id: key.sourceId,
      fingerprint: key.fingerprint,
      instance: column(labels.pod) ?? column(labels.instance),
      labels,
      annotations,
      generator_url: generatorUrl,
      received_at: this.#nowText,
      silenced_by: silencedBy,
      inhibited,
    });
    this.#note(id, "fired", startOf(after));
    if (silencedBy.length > 0) this.#note(id, "silenced", this.#now, { silences: silencedBy });
    if (inhibited) this.#note(id, "inhibited", this.#now);
    const end = endOf(after);
    if (end !== null) this.#note(id, "resolved", end);
    if (isSuppressed({ silencedBy, inhibited })) return;
    const known = { ...told, annotations };
    this.#announce("fired", id, known, after);
    if (end !== null) this.#announce("resolved", id, known, after);
  }

  /** Whoever was told that it fires is told that it ended, though it is now part of another. */
  #endMerged(known: StoredEpisode | undefined, before: EpisodeState, into: EpisodeState): void {
    const end = endOf(into);
    if (!known || endOf(before) !== null || end === null || isSuppressed(known)) return;
    this.#announce("resolved", known.state.id, known, { ...before, goneAt: end }, known.reopened);
  }

  #change({ key, suppression }: SeriesChanges, known: StoredEpisode, before: EpisodeState, after: EpisodeState): void {
    const { id } = known.state;
    this.#updates.push({ ...evidence(key, id, after), received_at: this.#nowText });
    const [startBefore, startAfter] = [startOf(before), startOf(after)];
    const [endBefore, endAfter] = [endOf(before), endOf(after)];
    const moved = { from: iso(startBefore), to: iso(startAfter) };
    if (startAfter < startBefore) this.#note(id, "moved-back", this.#now, moved);
    if (startAfter > startBefore) this.#note(id, "corrected", this.#now, { field: "startsAt", ...moved });
    if (endBefore === null && endAfter !== null) {
      this.#note(id, "resolved", endAfter);
      if (!isSuppressed(known)) this.#announce("resolved", id, known, after, known.reopened);
    } else if (endBefore !== null && endAfter === null) {
      this.#note(id, "reopened", this.#now);
      if (!isSuppressed(suppression ?? known)) this.#announce("fired", id, known, after, known.reopened + 1);
    } else if (endBefore !== null && endAfter !== null && endBefore !== endAfter) {
      this.#note(id, "corrected", this.#now, { field: "endsAt", from: iso(endBefore), to: iso(endAfter) });
    }
  }

  #announce(
    kind: "fired" | "resolved",
    episodeId: string,
    known: Pick<StoredEpisode, "name" | "severity" | "namespace" | "service" | "annotations">,
    episode: EpisodeState,
    reopened = 0,
  ): void {
    const { name, severity, namespace, service, annotations } = known;
    const end = endOf(episode);
    this.announcements.push({
      episodeId,
      kind,
      round: reopened + 1,
      name,
      severity,
      namespace,
      service,
      summary: annotations.summary ?? null,
      startsAt: new Date(startOf(episode)),
      endsAt: end === null ? null : new Date(end),
    });
  }

  #setNewest(
    { sourceId, fingerprint }: SeriesKey,
    episodes: ReadonlyMap<string, EpisodeState>,
    facts: SeriesChanges["facts"],
  ): void {
    const newest = [...episodes].toSorted(([, a], [, b]) => startOf(a) - startOf(b)).at(-1);
    if (!newest) return;
    const [id, episode] = newest;
    const end = endOf(episode);
    this.#series.push({
      source_id: sourceId,
      fingerprint,
      open_episode_id: end === null ? id : null,
      starts_at: iso(startOf(episode)),
      ends_at: end === null ? null : iso(end),
      labels: facts?.labels ?? null,
      search_text: facts ? searchText(facts.labels, facts.annotations) : null,
    });
  }

  /** Adds what was told last of an open episode of which nothing else is new. */
  refresh(episode: StoredEpisode, key: SeriesKey, told: Pick<AlertNotice, "labels" | "annotations" | "generatorUrl">): void {
    this.#refreshes.push({
      id: episode.state.id,
      source_id: key.sourceId,
      fingerprint: key.fingerprint,
      annotations: told.annotations,
      generator_url: told.generatorUrl,
      search_text: searchText(told.labels, told.annotations),
      received_at: this.#nowText,
    });
  }

  /** Adds that silences hide an open episode or no longer do, and whether it is inhibited. */
  suppress(episode: StoredEpisode, to: { silencedBy: string[]; inhibited: boolean }, after: EpisodeState = episode.state): void {
    const { id } = episode.state;
    const { silencedBy, inhibited } = to;
    this.#suppressions.push({ id, silenced_by: silencedBy, inhibited });
    if (silencedBy.join() !== episode.silencedBy.join()) {
      const isSilenced = silencedBy.length > 0;
      this.#note(id, isSilenced ? "silenced" : "unsilenced", this.#now, {
        silences: isSilenced ? silencedBy : episode.silencedBy,
      });
    }
    if (inhibited !== episode.inhibited) this.#note(id, inhibited ? "inhibited" : "uninhibited", this.#now);
    // Whoever was not told while it was hidden is told now; the outbox tells nobody twice.
    if (silencedBy.length === 0 && !inhibited) this.#announce("fired", id, episode, after, episode.reopened);
  }

  /** Sends everything that was collected. The alerts must be locked. */
  async write(sql: Sql): Promise<void> {
    const ends = this.#updates.filter(({ open_key: openKey }) => openKey === null);
    const opens = this.#updates.filter(({ open_key: openKey }) => openKey !== null);
    // The unique key of the open episode is free before another one takes it.
    const writes: [Statement, readonly object[]][] = [
      [freeOpenKeys, this.#merges],
      [updateEpisodes, ends],
      [updateEpisodes, opens],
      [insertEpisodes, this.#inserts],
      [suppressEpisodes, this.#suppressions],
      [refreshEpisodes, this.#refreshes],
      [refreshSeries, this.#refreshes],
      [keepAcknowledgements, this.#merges],
      [moveTransitions, this.#merges],
      [deleteEpisodes, this.#merges],
      [insertTransitions, this.#transitions],
      [updateSeries, this.#series],
    ];
    await Promise.all(
      writes.filter(([, rows]) => rows.length > 0).map(([statement, rows]) => sql(statement, [JSON.stringify(rows)])),
    );
  }
}

function isSuppressed({ silencedBy, inhibited }: { silencedBy: readonly string[]; inhibited: boolean }): boolean {
  return silencedBy.length > 0 || inhibited;
}

function evidence(key: SeriesKey, id: string, episode: EpisodeState): EpisodeRow {
  const end = endOf(episode);
  return {
    id,
    open_key: end === null ? keyOf(key) : null,
    state: end === null ? "firing" : "resolved",
    starts_at: iso(startOf(episode)),
    ends_at: end === null ? null : iso(end),
    closed_by: end === null ? null : episode.cover ? "webhook" : "poll",
    resolved_starts_at: episode.cover ? iso(episode.cover.startsAt) : null,
    fired_starts: episode.firedAts.map(iso),
  };
}

/** A label as a column of its own. An index takes no long values; `labels` has them whole. */
function column(label: string | undefined): string | null {
  return label ? label.slice(0, maxColumnLength).toWellFormed() : null;
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
