const started = performance.now();

/** Prints one line for a step when it ends: what was done, what came of it, and how long it took. */
export async function step<T>(name: string, work: () => Promise<T>, say: (result: T) => string = () => "done"): Promise<T> {
  const begun = performance.now();
  const result = await work();
  line(`${name} ... ${say(result)} (${seconds(performance.now() - begun)})`);
  return result;
}

/** Prints one line with the time since the start. */
export function line(text: string): void {
  process.stdout.write(`[${seconds(performance.now() - started).padStart(7)}] ${text}\n`);
}

/** Milliseconds as seconds for people, e.g. "3.2 s". */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
