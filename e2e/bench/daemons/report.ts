import { format, printTable, type Row, table } from "../figures.ts";

/** How an area is to measure. */
export type AreaOptions = {
  /** Fewer and shorter rounds: to see that everything runs, not for figures to keep. */
  quick: boolean;
  /** A folder for CPU profiles (`node --cpu-prof`); without it, nothing is profiled. */
  profileDir: string | undefined;
  /** Tells the person who waits what is being measured. */
  say: (text: string) => void;
  /** Aborted on Ctrl-C. What an area started ends in its `finally` in any case. */
  signal: AbortSignal;
};

/** Measures one daemon against its goals and peers. Rejects only when its own part cannot run at all. */
export type Area = (options: AreaOptions) => Promise<Section[]>;

/** A goal and what was measured. `ratio` is what is judged: the median of the rounds' ratios, or the figure itself without a peer. */
export type Goal = {
  name: string;
  unit: string;
  ours: number | undefined;
  peer?: number | undefined;
  ratio: number | undefined;
  wanted: { atLeast: number } | { atMost: number };
  /** What else the figure says; why there is none, and how to get the peer. */
  note?: string;
  /** Told when the goal is not reached: where the time goes, from a profile. */
  whenMissed?: string;
};

/** How figures grow with the size that `heads` name; with `isGrowth: false` the columns are only beside each other. */
export type Curve = { title: string; heads: string[]; rows: Row[]; isGrowth?: boolean };

export type Section = { title: string; goals: Goal[]; curves?: Curve[] };

/** What a profile of this commit says of where the time goes. */
export function byProfile(commit: string, text: string): string {
  return `by a profile of commit ${commit}: ${text}`;
}

/** What is known without a profile of where the time goes. */
export function withoutProfile(text: string): string {
  return `not by a profile: ${text}`;
}

/** Undefined when nothing was measured. */
export function isReached({ ratio, wanted }: Goal): boolean | undefined {
  if (ratio === undefined || Number.isNaN(ratio)) return undefined;
  return "atLeast" in wanted ? ratio >= wanted.atLeast : ratio <= wanted.atMost;
}

/** The sections as Markdown; `facts` say what was measured where. */
export function report(facts: [string, string][], sections: Section[], title = "Daemons beside their peers"): string {
  const parts = sections.flatMap(({ title, goals, curves = [] }) => [
    `## ${title}`,
    ...(goals.length > 0 ? [goalTable(goals), ...notes(goals)] : []),
    ...curves.flatMap((curve) => [`### ${curve.title}`, printTable(curve.heads, curve.rows, curve)]),
  ]);
  return `${[`# ${title}`, table([["", "this run"], ...facts]), ...parts].join("\n\n")}\n`;
}

const notProfiled = "not profiled; --profile DIR leaves a profile of each daemon";

function goalTable(goals: Goal[]): string {
  const words = { true: "reached", false: "NOT REACHED", undefined: "not measured" };
  const lines = goals.map((goal) => [
    goal.unit ? `${goal.name} (${goal.unit})` : goal.name,
    format(goal.ours),
    format(goal.peer),
    format(goal.ratio),
    "atLeast" in goal.wanted ? `>= ${goal.wanted.atLeast}` : `<= ${goal.wanted.atMost}`,
    words[`${isReached(goal)}`],
  ]);
  return table([["goal", "ours", "peer", "ratio", "wanted", ""], ...lines]);
}

function notes(goals: Goal[]): string[] {
  const lines = goals.flatMap((goal) => {
    const missed = isReached(goal) === false ? (goal.whenMissed ?? notProfiled) : undefined;
    const told = [goal.note, missed && `where the time goes: ${missed}`].filter(Boolean);
    return told.length > 0 ? [`* ${goal.name}: ${told.join("; ")}`] : [];
  });
  return lines.length > 0 ? [lines.join("\n")] : [];
}
