/** "2026-03-01 12:00:05 UTC", or with "minute" "2026-03-01 12:00 UTC", with "time" "12:00:05 UTC". */
export function formatUtc(at: Date | string, precision: "second" | "minute" | "time" = "second"): string {
  const text = (typeof at === "string" ? new Date(at) : at).toISOString();
  const [from, to] = { second: [0, 19], minute: [0, 16], time: [11, 19] }[precision];
  return `${text.slice(from, to).replace("T", " ")} UTC`;
}
