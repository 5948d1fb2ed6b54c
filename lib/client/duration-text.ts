const unitSeconds = { d: 86_400, h: 3600, m: 60, s: 1 } as const;

/** A duration as a person types it: "1 h", "90 s", "1h 30m", a bare number of seconds. NaN for what is none. */
export function readDuration(text: string): number {
  const trimmed = text.trim().toLowerCase();
  if (/^\d+$/.test(trimmed)) return Number(trimmed);
  if (!/^(\d+\s*[dhms]\s*)+$/.test(trimmed)) return Number.NaN;
  let seconds = 0;
  for (const [, count, unit] of trimmed.matchAll(/(\d+)\s*([dhms])/g)) {
    seconds += Number(count) * unitSeconds[unit as keyof typeof unitSeconds];
  }
  return seconds;
}

/** Seconds as `readDuration` reads them back, without loss: "1 h 5 s". */
export function writeDuration(seconds: number): string {
  let left = seconds;
  const parts: string[] = [];
  for (const [unit, size] of Object.entries(unitSeconds)) {
    const count = Math.floor(left / size);
    if (count > 0) parts.push(`${count} ${unit}`);
    left -= count * size;
  }
  return parts.join(" ") || "0 s";
}
