import type { TrueEpisode } from "./world.ts";

/** An episode as it was stored. Times in milliseconds since the storm began. */
export type StoredSpan = { fingerprint: string; from: number; to: number | null; closedBy: string | null };

/** What was told of each start: by a webhook that was accepted, as resolved by one, or by the answer to a poll that was stored. Keys are fingerprint/start. */
export type Told = { accepted: ReadonlySet<string>; resolved: ReadonlySet<string>; shown: ReadonlySet<string> };

export type Verdict = {
  /** Episodes that really were, and those of them that an accepted webhook or a poll's answer told. */
  happened: number;
  told: number;
  /** Alertmanager never told of them: what it cut off or forgot while nothing could be delivered. */
  untold: number;
  /**
   * Fired again before the end of the one before was told, and ended before a poll saw it: Alertmanager keeps only the newest, and
   * what it tells of the two is what it tells of one. They are to be stored as one.
   */
  overwritten: number;
  /** Told and not stored. */
  lost: number;
  /** Stored more than once, or stored and never happened. */
  duplicates: number;
  /** Stored with another start than the earliest. */
  wrongStart: number;
  /** Ended by a resolve that was accepted, and stored with another end; ended by a poll, and stored as ending before it did or long after. */
  wrongEnd: number;
  /** Stored as open though it ended, or as ended though it fires. */
  wrongState: number;
  /** How many ends polls told because no accepted webhook did. */
  endedByPoll: number;
  examples: string[];
  passes: boolean;
};

export type JudgeInput = {
  world: readonly TrueEpisode[];
  stored: readonly StoredSpan[];
  told: Told;
  pollSlackMs: number;
  ms: number;
  /** The share of episodes that may never have been told: whoever refuses all webhooks loses nothing and keeps nothing. */
  maxUntoldShare: number;
};

/** Compares what was stored with what really was: every told episode once, with its start, its end, and nothing else. */
export function judge({ world, stored, told, pollSlackMs, ms, maxUntoldShare }: JudgeInput): Verdict {
  const counts = { untold: 0, overwritten: 0, lost: 0, duplicates: 0, wrongStart: 0, wrongEnd: 0, wrongState: 0, endedByPoll: 0 };
  const examples: string[] = [];
  const complain = (kind: "lost" | "duplicates" | "wrongStart" | "wrongEnd" | "wrongState", what: string) => {
    counts[kind] += 1;
    if (examples.length < 10) examples.push(`${kind}: ${what}`);
  };
  const byAlert = Map.groupBy(stored, ({ fingerprint }) => fingerprint);
  const truth = Map.groupBy(world, ({ fingerprint }) => fingerprint);
  for (const [fingerprint, spans] of byAlert) {
    if (!truth.has(fingerprint)) for (const span of spans) complain("duplicates", `${describe(span)} never happened`);
  }
  for (const [fingerprint, happened] of truth) {
    const starts = new Set(byAlert.get(fingerprint)?.map(({ from }) => from));
    const episodes = mergeOverwritten(happened, told, starts, ms);
    counts.overwritten += happened.length - episodes.length;
    const left = new Set(byAlert.get(fingerprint));
    for (const [index, episode] of episodes.entries()) {
      const key = `${fingerprint}/${episode.from}`;
      const to = episode.to !== null && episode.to <= ms ? episode.to : null;
      const next =
        episodes.slice(index + 1).find(({ from }) => isTold(told, fingerprint, from))?.from ?? Number.POSITIVE_INFINITY;
      const span = [...left].find(({ from }) => from >= episode.from && from <= (to ?? Number.POSITIVE_INFINITY) && from < next);
      if (!span) {
        if (isTold(told, fingerprint, episode.from)) complain("lost", `${key} to ${to}; stored ${[...left].map(describe)}`);
        else counts.untold += 1;
        continue;
      }
      left.delete(span);
      if (span.from !== episode.from) complain("wrongStart", `${describe(span)}, not from ${episode.from}`);
      if ((to === null) !== (span.to === null)) complain("wrongState", `${describe(span)}, not to ${to}`);
      else if (to !== null && span.to !== null) {
        const isExact = told.resolved.has(`${fingerprint}/${episode.lastFrom}`);
        if (!isExact) counts.endedByPoll += 1;
        const isRight = isExact ? span.to === to : span.to >= to && span.to <= Math.min(to + pollSlackMs, next);
        if (!isRight) complain("wrongEnd", `${describe(span)}, not to ${to}${isExact ? "" : " by poll"}`);
      }
    }
    for (const span of left)
      complain("duplicates", `${describe(span)} beside ${episodes.map(({ from, to }) => `${from}-${to}`)}`);
  }
  const { lost, duplicates, wrongStart, wrongEnd, wrongState, untold, overwritten } = counts;
  const isHeard = untold + overwritten <= world.length * maxUntoldShare;
  if (!isHeard) examples.push(`untold: ${untold} of ${world.length} were never told, and ${overwritten} were overwritten`);
  return {
    ...counts,
    happened: world.length,
    told: world.length - counts.untold - counts.overwritten,
    examples,
    passes: isHeard && lost + duplicates + wrongStart + wrongEnd + wrongState === 0,
  };
}

type Expected = { from: number; to: number | null; lastFrom: number };

/** The episodes of one alert that can be told apart by what was told of them. */
function mergeOverwritten(happened: readonly TrueEpisode[], told: Told, starts: ReadonlySet<number>, ms: number): Expected[] {
  const expected: Expected[] = [];
  for (const { fingerprint, from, to } of happened) {
    const before = expected.at(-1);
    // A start that is stored was told, though its answer or the rest of its poll was lost with the database.
    const wasTold = (at: number) => isTold(told, fingerprint, at) || starts.has(at);
    const isApart =
      !before ||
      !wasTold(before.lastFrom) ||
      told.resolved.has(`${fingerprint}/${before.lastFrom}`) ||
      told.shown.has(`${fingerprint}/${from}`) ||
      !wasTold(from) ||
      from > ms;
    if (isApart) expected.push({ from, to, lastFrom: from });
    else Object.assign(before, { to, lastFrom: from });
  }
  return expected;
}

function isTold({ accepted, shown }: Told, fingerprint: string, from: number): boolean {
  return accepted.has(`${fingerprint}/${from}`) || shown.has(`${fingerprint}/${from}`);
}

function describe({ fingerprint, from, to, closedBy }: StoredSpan): string {
  return `${fingerprint} ${from}-${to}${closedBy ? ` by ${closedBy}` : ""}`;
}
