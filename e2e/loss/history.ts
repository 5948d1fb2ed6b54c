import { writeFileSync } from "node:fs";

/** Something that happened in a run: what a producer tried, what it was told, what an observer saw, what broke. */
export type Event =
  | { kind: "sent" | "acknowledged" | "refused"; at: number; producer: string; sequence: number }
  | { kind: "delivered"; at: number; observer: string; producer: string; sequence: number }
  /** The observer did not see everything: what it has not seen is not lost. */
  | { kind: "partial"; at: number; observer: string }
  /** A daemon has counted so many messages as dropped. */
  | { kind: "dropped"; at: number; count: number }
  | { kind: "fault"; at: number; what: string }
  /** A figure of the run, for the report. */
  | { kind: "measured"; at: number; what: string }
  /** Something that must not be, whatever the messages say (two replicas that differ). */
  | { kind: "wrong"; at: number; what: string };

type Happening = Event extends infer E ? (E extends Event ? Omit<E, "at"> : never) : never;

/** Writes down what happens, and judges nothing. */
export class History {
  readonly events: Event[] = [];

  add(happening: Happening): void {
    this.events.push({ ...happening, at: performance.now() } as Event);
  }

  /** One JSON object a line. */
  save(path: string): void {
    writeFileSync(path, this.events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  }
}

export type Verdict = {
  sent: number;
  acknowledged: number;
  refused: number;
  /** Acknowledged messages that every observer saw. */
  delivered: number;
  /** Messages that arrived although their producer was never told so. Not a fault: the acknowledgement may have been cut off. */
  unconfirmed: number;
  dropped: number;
  /** acknowledged - delivered - dropped; below zero when a daemon counts drops that were none. */
  lost: number;
  /** Repeats, at the observer that saw the most. */
  duplicates: number;
  /** Messages that came after a later one of their producer, at the observer that saw the most. */
  reordered: number;
  /** What else must not be: messages that nobody sent, and what the run itself found wrong. */
  wrong: string[];
  /** What the run has measured besides. */
  measured: string[];
  passes: boolean;
};

/** What a case may do that would fail another: a control has to lose or to double messages, as it is known to. */
export type Expectations = { control?: "lost" | "duplicates"; mayRefuse?: boolean };

/** Judges a history after the run. */
export function judge(events: readonly Event[], { control, mayRefuse = false }: Expectations = {}): Verdict {
  const sent = new Set<string>();
  const acknowledged = new Set<string>();
  const refused = new Set<string>();
  const observers = new Map<string, Observer>();
  const wrong: string[] = [];
  const measured: string[] = [];
  let dropped = 0;
  for (const event of events) {
    if (event.kind === "delivered" || event.kind === "partial") {
      const observer = observers.get(event.observer) ?? new Observer();
      observers.set(event.observer, observer);
      if (event.kind === "partial") observer.isPartial = true;
      else observer.see(event.producer, event.sequence);
    } else if (event.kind === "sent") sent.add(idOf(event));
    else if (event.kind === "acknowledged") acknowledged.add(idOf(event));
    else if (event.kind === "refused") refused.add(idOf(event));
    else if (event.kind === "dropped") dropped += event.count;
    else if (event.kind === "measured") measured.push(event.what);
    else if (event.kind === "wrong") wrong.push(event.what);
  }
  const all = [...observers.values()];
  const whole = all.filter(({ isPartial }) => !isPartial);
  if (whole.length === 0) wrong.push("nobody observed the whole run");
  const arrived = new Set(all.flatMap(({ seen }) => [...seen]));
  for (const id of arrived) if (!sent.has(id)) wrong.push(`${id} arrived and was never sent`);
  const delivered = [...acknowledged].filter((id) => whole.every(({ seen }) => seen.has(id))).length;
  const lost = acknowledged.size - delivered - dropped;
  const duplicates = Math.max(0, ...all.map((observer) => observer.duplicates));
  const reordered = Math.max(0, ...all.map((observer) => observer.reordered));
  const isSound = acknowledged.size > 0 && reordered === 0 && wrong.length === 0 && (mayRefuse || refused.size === 0);
  const counts = { lost, duplicates };
  return {
    sent: sent.size,
    acknowledged: acknowledged.size,
    refused: refused.size,
    delivered,
    unconfirmed: [...arrived].filter((id) => !acknowledged.has(id)).length,
    dropped,
    lost,
    duplicates,
    reordered,
    wrong,
    measured,
    passes: isSound && (control ? counts[control] > 0 : lost === 0 && duplicates === 0),
  };
}

/** The verdict on several rounds of one case: counts are summed, and one bad round is a bad case. */
export function sumVerdicts(rounds: readonly Verdict[]): Verdict {
  const sum = (count: (verdict: Verdict) => number) => rounds.reduce((total, verdict) => total + count(verdict), 0);
  return {
    sent: sum(({ sent }) => sent),
    acknowledged: sum(({ acknowledged }) => acknowledged),
    refused: sum(({ refused }) => refused),
    delivered: sum(({ delivered }) => delivered),
    unconfirmed: sum(({ unconfirmed }) => unconfirmed),
    dropped: sum(({ dropped }) => dropped),
    lost: sum(({ lost }) => lost),
    duplicates: sum(({ duplicates }) => duplicates),
    reordered: sum(({ reordered }) => reordered),
    wrong: rounds.flatMap(({ wrong, passes }, index) =>
      rounds.length === 1
        ? wrong
        : [...(passes ? [] : [`round ${index + 1} failed`]), ...wrong.map((what) => `round ${index + 1}: ${what}`)],
    ),
    measured: rounds.flatMap(({ measured }) => measured),
    passes: rounds.length > 0 && rounds.every(({ passes }) => passes),
  };
}

class Observer {
  readonly seen = new Set<string>();
  readonly #highest = new Map<string, number>();
  isPartial = false;
  duplicates = 0;
  reordered = 0;

  see(producer: string, sequence: number): void {
    const id = idOf({ producer, sequence });
    if (this.seen.has(id)) {
      this.duplicates += 1;
      return;
    }
    this.seen.add(id);
    const highest = this.#highest.get(producer) ?? 0;
    if (sequence < highest) this.reordered += 1;
    else this.#highest.set(producer, sequence);
  }
}

function idOf({ producer, sequence }: { producer: string; sequence: number }): string {
  return `${producer}:${sequence}`;
}
