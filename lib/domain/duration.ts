/**
 * A span of time in milliseconds in its two largest units: "42 s", "3 m 12 s", "2 h 5 m", "3 d 4 h". Below a second: "340 ms"; nothing:
 * "0 s".
 */
export function formatDuration(milliseconds: number): string {
  const absolute = Math.max(0, milliseconds);
  if (absolute < 1) return "0 s";
  if (absolute < 1000) return `${Math.floor(absolute)} ms`;
  const seconds = Math.floor(absolute / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return two(minutes, "m", seconds % 60, "s");
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return two(hours, "h", minutes % 60, "m");
  return two(Math.floor(hours / 24), "d", hours % 24, "h");
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
