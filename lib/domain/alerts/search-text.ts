/**
 * What the search of alerts looks in: the summary, and each label as name=value, a line each, in lower case. Kept once for each
 * alert (fingerprint), because looking through every episode of a year would be too slow.
 */
export function searchText(labels: Readonly<Record<string, string>>, annotations: Readonly<Record<string, string>>): string {
  const lines = [annotations.summary ?? "", ...Object.entries(labels).map(([name, value]) => `${name}=${value}`)];
  return lines.join("\n").toLowerCase().slice(0, 8_000).toWellFormed();
}
