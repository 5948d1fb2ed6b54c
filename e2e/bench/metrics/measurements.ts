import type { Section } from "../daemons/report.ts";
import { format, percentile } from "../figures.ts";
import { type ConsoleProcess, DirectClient, exchange, Viewer } from "./clients.ts";
import type { CountingProxy } from "./counting-proxy.ts";

export type Bench = {
  console: ConsoleProcess;
  proxy: CountingProxy;
  /** The proxy's address, and Prometheus' own. */
  proxyUrl: string;
  prometheusUrl: string;
  /** The last time of which there are samples, Unix seconds. */
  end: number;
  quick: boolean;
  say: (text: string) => void;
};

const range = "1h";
const stepSeconds = 15;
const spanSeconds = 3600;

/** How often Prometheus is asked when 1, 10 and 100 people look at one service's page, beside clients that ask it themselves. */
export async function measureQueries({ console, proxy, proxyUrl, end, quick, say }: Bench): Promise<Section> {
  const crowds = [1, 10, 100];
  const refreshes = quick ? 4 : 20;
  const ours: {
    opening: number;
    queries: number;
    others: number;
    tailBytes: number;
    fullBytes: number;
    sentTail: number;
    sentFull: number;
  }[] = [];
  let charts = 0;
  let expressions: string[] = [];
  for (const crowd of crowds) {
    say(`  ${crowd} viewers, ${refreshes} refreshes`);
    let now = end - (refreshes + 1) * stepSeconds;
    await console.forget();
    await console.setNow(now);
    const viewers = Array.from({ length: crowd }, () => new Viewer(console, range));
    proxy.take();
    const first = await Promise.all(viewers.map((viewer) => viewer.refresh()));
    const full = proxy.take();
    const sentFull = first[0]?.bytes ?? 0;
    charts = first[0]?.answer.panels.length ?? 0;
    expressions = first[0]?.answer.panels.flatMap((panel) => panel.expressions.map(({ expr }) => expr)) ?? [];
    let sentTail = 0;
    for (let refresh = 0; refresh < refreshes; refresh += 1) {
      now += stepSeconds;
      await console.setNow(now);
      const answers = await Promise.all(viewers.map((viewer) => viewer.refresh()));
      for (const { answer, bytes } of answers) {
        if (!answer.isTail || answer.panels.some(({ dataTo }) => dataTo !== answer.to))
          throw new Error("a viewer got no whole tail");
        sentTail += bytes / crowd / refreshes;
      }
    }
    const { queries, others, answerBytes } = proxy.take();
    ours.push({
      opening: full.queries,
      queries: queries / refreshes,
      others,
      tailBytes: answerBytes / refreshes,
      fullBytes: full.answerBytes,
      sentTail,
      sentFull,
    });
  }
  say("  100 direct clients, one refresh");
  const clients = Array.from({ length: 100 }, () => new DirectClient(proxyUrl, expressions));
  const directBytes = await clients[0]?.refresh(end - spanSeconds, end, stepSeconds);
  proxy.take();
  await Promise.all(clients.map((client) => client.refresh(end - spanSeconds, end, stepSeconds)));
  const direct = proxy.take();
  const [one, , hundred] = ours;
  const perChart = (queries: number | undefined) => (queries ?? Number.NaN) / charts;
  return {
    title: `Queries that Prometheus gets: one service's page, ${charts} charts with ${expressions.length} expressions, the last hour`,
    goals: [
      {
        name: "100 viewers: queries a chart and refresh, beside 100 direct clients",
        unit: "",
        ours: perChart(hundred?.queries),
        peer: perChart(direct.queries),
        ratio: perChart(hundred?.queries),
        wanted: { atMost: 1 },
        note: `the direct clients ask each of a chart's ${format(expressions.length / charts)} expressions themselves, ours asks a chart's expressions as one; a refresh is a step of ${stepSeconds} s, in which a third of the viewers asks at each third; beside the charts' queries Prometheus was asked for names of metrics ${hundred?.others ?? 0} times in all ${refreshes} refreshes, to say why charts are empty`,
      },
      {
        name: "100 viewers: all queries of a refresh, beside those of one viewer",
        unit: "",
        ours: hundred?.queries,
        peer: one?.queries,
        ratio: (hundred?.queries ?? Number.NaN) / (one?.queries ?? Number.NaN),
        wanted: { atMost: 1.05 },
      },
      {
        name: "a refresh: what Prometheus sends, the tail beside all of the hour",
        unit: "KB",
        ours: (one?.tailBytes ?? Number.NaN) / 1000,
        peer: (one?.fullBytes ?? Number.NaN) / 1000,
        ratio: (one?.tailBytes ?? Number.NaN) / (one?.fullBytes ?? Number.NaN),
        wanted: { atMost: 0.1 },
        note: `both compressed, as the product asks for it; a direct client without compression gets ${format((directBytes ?? 0) / 1000)} KB at each refresh`,
      },
      {
        name: "a refresh: what a viewer gets, the tail beside all of the hour",
        unit: "KB",
        ours: (one?.sentTail ?? Number.NaN) / 1000,
        peer: (one?.sentFull ?? Number.NaN) / 1000,
        ratio: (one?.sentTail ?? Number.NaN) / (one?.sentFull ?? Number.NaN),
        wanted: { atMost: 0.1 },
      },
    ],
    curves: [
      {
        title: "By the number of viewers",
        heads: crowds.map(String),
        rows: [
          { name: "queries when all open the page", unit: "", values: ours.map(({ opening }) => opening) },
          { name: "queries of a refresh of all", unit: "", values: ours.map(({ queries }) => queries) },
          {
            name: "direct clients: queries of a refresh of all",
            unit: "",
            values: crowds.map((crowd) => crowd * expressions.length),
          },
        ],
      },
    ],
  };
}

/** How many answers a second 100 viewers get from the shared store, beside 100 clients that ask Prometheus. */
export async function measureAnswers({ console, prometheusUrl, end, quick, say }: Bench): Promise<Section> {
  const seconds = quick ? 2 : 8;
  const rounds = quick ? 1 : 3;
  await console.forget();
  await console.setNow(end);
  const { answer } = await new Viewer(console, range).refresh();
  const expressions = answer.panels.flatMap((panel) => panel.expressions.map(({ expr }) => expr));
  const client = new DirectClient(prometheusUrl, expressions);
  const full = `${console.url}/panels?range=${range}`;
  const tail = `${full}&since=${answer.tailSince}`;
  const figures: { direct: number; full: number; tail: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    say(`  round ${round + 1} of ${rounds}`);
    let next = 0;
    const direct = await perSecond(seconds, 100, () => {
      const expr = expressions[next % expressions.length] ?? "";
      next += 1;
      return client.ask(expr, end - spanSeconds, end, stepSeconds);
    });
    const wholePages = await perSecond(seconds, 100, () => exchange(full));
    const tailPages = await perSecond(seconds, 100, () => exchange(tail));
    figures.push({ direct, full: wholePages * expressions.length, tail: tailPages * expressions.length });
  }
  const middle = (values: number[]) => percentile(values, 0.5);
  const kept = await console.keptBytes();
  const goal = (name: string, which: "full" | "tail", note: string) => ({
    name,
    unit: "1/s",
    ours: middle(figures.map((each) => each[which])),
    peer: middle(figures.map(({ direct }) => direct)),
    ratio: middle(figures.map((each) => each[which] / each.direct)),
    wanted: { atLeast: 50 },
    note,
  });
  return {
    title: "Answers to 100 viewers at once: an answer is the data of one expression",
    goals: [
      goal(
        "refreshes (tails) from the store, beside queries of the hour to Prometheus",
        "tail",
        "what an open page asks again and again",
      ),
      goal(
        "whole hours from the store, beside queries of the hour to Prometheus",
        "full",
        `what a page asks once; the store and the answers take ${format(kept / 1e6)} MB`,
      ),
    ],
  };
}

async function perSecond(seconds: number, workers: number, work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  const end = startedAt + seconds * 1000;
  let done = 0;
  await Promise.all(
    Array.from({ length: workers }, async () => {
      while (performance.now() < end) {
        await work();
        done += 1;
      }
    }),
  );
  return done / ((performance.now() - startedAt) / 1000);
}

/** What viewers see, and what Prometheus is asked, while it takes requests and never answers. */
export async function measureHanging({ console, proxy, end, quick, say }: Bench): Promise<Section> {
  const crowd = quick ? 20 : 100;
  let now = end - 10 * stepSeconds;
  await console.forget();
  await console.setNow(now);
  const viewers = Array.from({ length: crowd }, () => new Viewer(console, range));
  await Promise.all(viewers.map((viewer) => viewer.refresh()));
  const knownTo = now;
  proxy.take();
  proxy.isHanging = true;
  const waits: number[] = [];
  let answers = 0;
  let staleAnswers = 0;
  let charts = 0;
  try {
    for (let refresh = 0; refresh < 3; refresh += 1) {
      now += stepSeconds;
      await console.setNow(now);
      say(`  refresh ${refresh + 1} of 3 while Prometheus hangs`);
      for (const { answer, milliseconds } of await Promise.all(viewers.map((viewer) => viewer.refresh()))) {
        charts = answer.panels.length;
        answers += 1;
        waits.push(milliseconds / 1000);
        const isMarked = answer.panels.every(({ problem, dataTo, at }) => problem !== null && dataTo === knownTo && at !== null);
        if (isMarked) staleAnswers += 1;
      }
    }
  } finally {
    proxy.isHanging = false;
  }
  const { queries, mostAtOnce } = proxy.take();
  const recovered = await untilFresh(console, now);
  return {
    title: `Prometheus hangs under ${crowd} viewers`,
    goals: [
      {
        name: "queries of one chart that are under way at the same time",
        unit: "",
        ours: mostAtOnce,
        ratio: mostAtOnce,
        wanted: { atMost: 1 },
        note: `${format(queries)} queries in all, for ${charts} charts and ${format(answers)} answers`,
      },
      {
        name: "answers that hold the last good data, with its time, and say that it is stale",
        unit: "of all",
        ours: staleAnswers,
        peer: answers,
        ratio: staleAnswers / answers,
        wanted: { atLeast: 1 },
      },
      {
        name: "wait for an answer, p99",
        unit: "s",
        ours: percentile(waits, 0.99),
        ratio: percentile(waits, 0.99),
        wanted: { atMost: 2 },
      },
      {
        name: "from Prometheus answering again to charts that reach to now",
        unit: "s",
        ours: recovered,
        ratio: recovered,
        wanted: { atMost: 20 },
        note: "a query that hangs is given up after 8 s, and asked again after 5 s at the earliest",
      },
    ],
  };
}

/** A viewer who asks every half second; the console's clock goes with the real one. */
async function untilFresh(console: ConsoleProcess, now: number): Promise<number | undefined> {
  const startedAt = performance.now();
  const elapsed = () => (performance.now() - startedAt) / 1000;
  while (elapsed() < 60) {
    await console.setNow(now + elapsed());
    const { answer } = await new Viewer(console, range).refresh();
    if (answer.panels.every(({ dataTo }) => dataTo === answer.to)) return elapsed();
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return undefined;
}
