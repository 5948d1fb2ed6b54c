import type { Pod } from "../objects.ts";

export const indexKey = "batch.kubernetes.io/job-completion-index";

/** The completion index of a pod of an Indexed job. */
export function indexOf({ metadata }: Pod): number | undefined {
  const text = metadata.annotations?.[indexKey] ?? metadata.labels?.[indexKey];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** Reads Kubernetes' short form of a set of indexes, e.g. "1,3-5,7". */
export function parseIndexes(text: string | undefined): Set<number> {
  const indexes = new Set<number>();
  for (const part of (text ?? "").split(",").filter((one) => one !== "")) {
    const [first = Number.NaN, last = first] = part.split("-").map(Number);
    for (let index = first; index <= last; index += 1) indexes.add(index);
  }
  return indexes;
}

/** Writes a set of indexes in Kubernetes' short form; two neighbours are listed, three or more become a range. */
export function formatIndexes(indexes: Iterable<number>): string {
  const runs: [number, number][] = [];
  for (const index of [...indexes].sort((left, right) => left - right)) {
    const run = runs.at(-1);
    if (run && run[1] + 1 === index) run[1] = index;
    else runs.push([index, index]);
  }
  return runs
    .map(([first, last]) => (first === last ? `${first}` : `${first}${first + 1 === last ? "," : "-"}${last}`))
    .join(",");
}
