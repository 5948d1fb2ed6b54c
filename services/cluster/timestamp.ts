/** RFC 3339 with seconds, as metav1.Time is written. */
export function timestamp(date = new Date()): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** RFC 3339 with microseconds, as metav1.MicroTime is written. */
export function microTimestamp(date = new Date()): string {
  return date.toISOString().replace("Z", "000Z");
}
