import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  applyGone,
  applyNotice,
  applyNotices,
  applySeen,
  type Change,
  type EpisodeState,
  endOf,
  type Notice,
  type SeriesState,
  startOf,
} from "./policy.ts";

const firing = (startsAt: number): Notice => ({ status: "firing", startsAt });
const resolved = (startsAt: number, endsAt: number): Notice => ({ status: "resolved", startsAt, endsAt });

/** Stored episodes, as the database keeps them: changed rows in place, new ones with a new id. */
function store(series: SeriesState, changes: readonly Change[]): EpisodeState[] {
  let next = series.length + 1;
  const gone = new Set(changes.flatMap(({ before }) => (before ? [before.id] : [])));
  const ids = new Set(series.map(({ id }) => id));
  const fresh = () => {
    while (ids.has(`e${next}`)) next += 1;
    ids.add(`e${next}`);
    return `e${next}`;
  };
  const written = changes.flatMap(({ after }) => (after ? [{ ...after, id: after.id ?? fresh() }] : []));
  return [...series.filter(({ id }) => !gone.has(id)), ...written].toSorted((a, b) => startOf(a) - startOf(b));
}
const tell = (series: SeriesState, notice: Notice) => store(series, applyNotice(series, notice));
const episodesOf = (...notices: Notice[]) => notices.reduce(tell, [] as EpisodeState[]);
const spans = (series: SeriesState) => series.map((episode) => [startOf(episode), endOf(episode)]);

describe("an alert", () => {
  test("that fires opens an episode, and its resolve closes that", () => {
    const series = episodesOf(firing(10));
    expect(spans(series)).toEqual([[10, null]]);
    const closed = tell(series, resolved(10, 20));
    expect(spans(closed)).toEqual([[10, 20]]);
    expect(closed[0]?.id).toBe(series[0]?.id);
  });

  test("that is told by two Alertmanagers as firing, resolved, firing, resolved has one episode", () => {
    expect(spans(episodesOf(firing(10), resolved(10, 20), firing(10), resolved(10, 20)))).toEqual([[10, 20]]);
  });

  test("whose start moves back keeps its episode, and a later start does not move it forward", () => {
    const series = episodesOf(firing(10), firing(5));
    expect(spans(series)).toEqual([[5, null]]);
    expect(spans(tell(series, firing(8)))).toEqual([[5, null]]);
    expect(spans(tell(series, resolved(10, 20)))).toEqual([[5, 20]]);
    expect(spans(episodesOf(resolved(10, 20), firing(5)))).toEqual([[5, 20]]);
  });

  test("that fires after its last end has a new episode, and not before it", () => {
    const series = episodesOf(firing(10), resolved(10, 20));
    expect(applyNotice(series, firing(20))).toEqual([]);
    expect(spans(tell(series, firing(21)))).toEqual([
      [10, 20],
      [21, null],
    ]);
  });

  test("whose resolve comes first has a closed episode", () => {
    expect(spans(episodesOf(resolved(10, 20)))).toEqual([[10, 20]]);
  });

  test("has both episodes when the resolve of the first comes after the second has opened or closed", () => {
    const open = episodesOf(firing(10), firing(30));
    expect(spans(open)).toEqual([[10, null]]);
    expect(spans(tell(open, resolved(10, 20)))).toEqual([
      [10, 20],
      [30, null],
    ]);
    const late = episodesOf(firing(10), resolved(30, 40));
    expect(spans(late)).toEqual([[10, 40]]);
    const split = tell(late, resolved(10, 20));
    expect(spans(split)).toEqual([
      [10, 20],
      [30, 40],
    ]);
    expect(split[1]?.id).toBe(late[0]?.id);
  });

  test("whose two Alertmanagers tell different ends has one episode with the later end", () => {
    expect(spans(episodesOf(resolved(10, 20), resolved(12, 25)))).toEqual([[10, 25]]);
  });

  test("whose episodes turn out to be one keeps the earlier of them", () => {
    const series = episodesOf(resolved(10, 20), resolved(30, 40));
    const changes = applyNotice(series, resolved(15, 35));
    expect(changes.find((change) => change.after === null)).toMatchObject({ before: series[1], into: { id: series[0]?.id } });
    expect(spans(store(series, changes))).toEqual([[10, 40]]);
  });
});

describe("a poll", () => {
  test("that finds an alert gone ends its episode; the resolve that comes late tells the exact end", () => {
    const open = episodesOf(firing(10));
    const gone = store(open, applyGone(open, 50));
    expect(spans(gone)).toEqual([[10, 50]]);
    expect(applyNotice(gone, firing(10))).toEqual([]);
    const told = tell(gone, resolved(10, 42));
    expect(spans(told)).toEqual([[10, 42]]);
    expect(told[0]?.id).toBe(open[0]?.id);
    expect(applyGone(told, 60)).toEqual([]);
  });

  test("that finds it again takes back the end that a poll inferred", () => {
    const open = episodesOf(firing(10));
    const gone = store(open, applyGone(open, 50));
    const again = store(gone, applySeen(gone, { startsAt: 10, heardAt: 60, isWhole: true }));
    expect(spans(again)).toEqual([[10, null]]);
    expect(again[0]?.id).toBe(open[0]?.id);
  });

  test("that finds an alert which no notice told opens its episode", () => {
    expect(spans(store([], applySeen([], { startsAt: 10, heardAt: 60, isWhole: true })))).toEqual([[10, null]]);
  });

  test("does not open again what a resolve ended, unless its Alertmanager heard of it a minute after that end", () => {
    const closed = episodesOf(resolved(10, 20));
    expect(applySeen(closed, { startsAt: 10, heardAt: 60_020, isWhole: true })).toEqual([]);
    const again = store(closed, applySeen(closed, { startsAt: 10, heardAt: 60_021, isWhole: true }));
    expect(spans(again)).toEqual([
      [10, 20],
      [60_021, null],
    ]);
    expect(spans(tell(again, resolved(10, 70_000)))).toEqual([[10, 70_000]]);
  });

  test("ends an episode whose resolve nobody told when all Alertmanagers know a later start", () => {
    const open = episodesOf(firing(10), firing(12), firing(30));
    expect(applySeen(open, { startsAt: 30, heardAt: 60, isWhole: false })).toEqual([]);
    const split = store(open, applySeen(open, { startsAt: 30, heardAt: 60, isWhole: true }));
    expect(spans(split)).toEqual([
      [10, 29],
      [30, null],
    ]);
    expect(split[0]?.id).toBe(open[0]?.id);
    expect(spans(tell(split, resolved(10, 20)))).toEqual([
      [10, 20],
      [30, null],
    ]);
  });

  test("tells apart what a resolve made one, when its answer comes after that", () => {
    const closed = episodesOf(firing(10), resolved(30, 40));
    expect(spans(closed)).toEqual([[10, 40]]);
    expect(spans(store(closed, applySeen(closed, { startsAt: 30, heardAt: 35, isWhole: true })))).toEqual([
      [10, 29],
      [30, 40],
    ]);
  });

  test("of an alert that fires again later leaves the ended episode alone", () => {
    const open = episodesOf(firing(10));
    const gone = store(open, applyGone(open, 50));
    expect(spans(store(gone, applySeen(gone, { startsAt: 55, heardAt: 60, isWhole: true })))).toEqual([
      [10, 50],
      [55, null],
    ]);
  });
});

const time = fc.integer({ min: 0, max: 60 });
const anyNotice: fc.Arbitrary<Notice> = fc.oneof(
  time.map(firing),
  fc.tuple(time, fc.integer({ min: 0, max: 20 })).map(([at, length]) => resolved(at, at + length)),
);

/** What really happened: episodes with gaps between them. */
const truth = fc
  .array(fc.record({ gap: fc.integer({ min: 1, max: 9 }), length: fc.integer({ min: 4, max: 20 }) }), {
    minLength: 1,
    maxLength: 6,
  })
  .chain((steps) => fc.record({ steps: fc.constant(steps), endsOpen: fc.boolean() }))
  .map(({ steps, endsOpen }) => {
    let now = 100;
    return steps.map(({ gap, length }, index) => {
      const from = now + gap;
      now = from + length;
      return { from, to: endsOpen && index === steps.length - 1 ? null : now };
    });
  });

/** What two Alertmanagers tell of it: each may know an episode's start late, and may miss or truncate notices, but not both. */
const history = truth.chain((episodes) =>
  fc
    .tuple(
      ...episodes.map(({ from, to }) => {
        const moved = fc.integer({ min: 0, max: 3 }).map((late) => from + late);
        const told = fc.record({ first: moved, second: moved, hears: fc.constantFrom("both", "first", "second") });
        return told.map(({ first, second, hears }): Notice[] => {
          const one = (start: number): Notice[] => [firing(start), ...(to === null ? [] : [resolved(start, to)])];
          const exact = to === null ? firing(from) : resolved(from, to);
          return [...(hears === "second" ? [] : one(first)), ...(hears === "first" ? [] : one(second)), exact];
        });
      }),
    )
    .map((told) => ({ episodes, notices: told.flat() })),
);

describe("whatever two Alertmanagers send, in whatever order and however often", () => {
  const runs = { numRuns: 2_000 };

  test("the episodes are those that happened", () => {
    const cases = history.chain(({ episodes, notices }) =>
      fc.shuffledSubarray([...notices, ...notices, ...notices], { minLength: 0 }).map((extra) => ({ episodes, notices, extra })),
    );
    fc.assert(
      fc.property(cases, fc.infiniteStream(fc.nat()), ({ episodes, notices, extra }, random) => {
        const order = shuffle([...notices, ...extra], random);
        expect(spans(episodesOf(...order))).toEqual(episodes.map(({ from, to }) => [from, to]));
      }),
      runs,
    );
  });

  test("any set of notices leads to the same episodes in any order, one by one or many at once", () => {
    fc.assert(
      fc.property(fc.array(anyNotice, { maxLength: 12 }), fc.infiniteStream(fc.nat()), (notices, random) => {
        const inOrder = episodesOf(...notices);
        const shuffled = episodesOf(...shuffle([...notices, ...notices], random));
        const half = Math.floor(notices.length / 2);
        const first = store([], applyNotices([], notices.slice(half)));
        const batched = store(first, applyNotices(first, notices.slice(0, half)));
        expect(spans(shuffled)).toEqual(spans(inOrder));
        expect(spans(batched)).toEqual(spans(inOrder));
      }),
      runs,
    );
  });

  test("what was told once changes nothing when it is told again", () => {
    fc.assert(
      fc.property(fc.array(anyNotice, { minLength: 1, maxLength: 12 }), (notices) => {
        const series = episodesOf(...notices);
        for (const notice of notices) expect(applyNotice(series, notice)).toEqual([]);
      }),
      runs,
    );
  });

  test("episodes that ended before a notice's start have no part in it", () => {
    fc.assert(
      fc.property(fc.array(anyNotice, { maxLength: 12 }), anyNotice, (notices, notice) => {
        const series = episodesOf(...notices);
        const near = series.filter((episode) => (endOf(episode) ?? Number.POSITIVE_INFINITY) >= notice.startsAt);
        expect(applyNotice(near, notice)).toEqual(applyNotice(series, notice));
      }),
      runs,
    );
  });
});

describe("whatever polls find in between", () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: anyNotice.map((notice) => (series: EpisodeState[]) => tell(series, notice)) },
    { weight: 1, arbitrary: time.map((at) => (series: EpisodeState[]) => store(series, applyGone(series, at))) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(
          time,
          fc.oneof(
            time,
            time.map((late) => 60_000 + late),
          ),
          fc.boolean(),
        )
        .map(
          ([startsAt, late, isWhole]) =>
            (series: EpisodeState[]) =>
              store(series, applySeen(series, { startsAt, heardAt: startsAt + late, isWhole })),
        ),
    },
  );

  test("episodes never overlap, only the last is open, and none begins after it ends", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const series = steps.reduce((state, apply) => apply(state), [] as EpisodeState[]);
        for (const [index, episode] of series.entries()) {
          const end = endOf(episode);
          const next = series[index + 1];
          if (next) expect(end ?? Number.POSITIVE_INFINITY).toBeLessThan(startOf(next));
          expect(startOf(episode)).toBeLessThanOrEqual(end ?? Number.POSITIVE_INFINITY);
          expect(Number.isFinite(startOf(episode))).toBe(true);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  test("an end that a poll inferred gives way to the resolve, whenever that comes", () => {
    fc.assert(
      fc.property(truth, fc.nat({ max: 30 }), (episodes, late) => {
        let series: EpisodeState[] = [];
        const [first] = episodes;
        if (!first?.to) return;
        series = tell(series, firing(first.from));
        series = store(series, applyGone(series, first.to + late));
        series = tell(series, resolved(first.from, first.to));
        expect(spans(series)).toEqual([[first.from, first.to]]);
      }),
    );
  });
});

function shuffle<T>(items: readonly T[], random: fc.Stream<number>): T[] {
  const keys = random.take(items.length);
  return items
    .map((item) => ({ item, key: Number(keys.next().value) }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
