import type { LiveLine } from "#lib/client/alert-view.ts";

/** What the table shows as ticked: also the heading of a group all of whose alerts are. */
export function withGroups(selected: ReadonlySet<string>, lines: LiveLine[]): ReadonlySet<string> {
  const shown = new Set(selected);
  for (const line of lines) {
    if (line.type === "group" && line.group.alerts.every((alert) => selected.has(alert.id))) shown.add(line.key);
  }
  return shown;
}

/** The alerts that are chosen after the ticks changed to `next`: a heading's tick is one for each of its group, folded ones too. */
export function alertsOf(next: ReadonlySet<string>, previous: ReadonlySet<string>, lines: LiveLine[]): ReadonlySet<string> {
  const before = withGroups(previous, lines);
  const chosen = new Set(previous);
  for (const line of lines) {
    if (line.type === "more" || next.has(line.key) === before.has(line.key)) continue;
    for (const { id } of line.type === "group" ? line.group.alerts : [line.alert]) {
      if (next.has(line.key)) chosen.add(id);
      else chosen.delete(id);
    }
  }
  return chosen;
}
