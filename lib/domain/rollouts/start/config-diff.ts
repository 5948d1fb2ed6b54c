import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import type { PodTemplate } from "#lib/kubernetes/objects.ts";
import type { Sealer } from "#lib/runtime/sealed.ts";
import { type Content, contentHash, findConfig, originalName, type PlannedCopy } from "./config-copies.ts";
import { type ConfigReference, listReferences } from "./config-references.ts";
import type { ConfigDiff, ConfigKind, ConfigVersion } from "./start-schemas.ts";

/** What the template reads its configuration from, before and after, and what of it is missing. No value leaves this module. */
export type ConfigFindings = {
  diffs: ConfigDiff[];
  /** What new instances would wait for in vain. */
  missing: { kind: ConfigKind; name: string; key: string | null }[];
  /** What Switchyard may not read. */
  unreadable: { kind: ConfigKind; name: string }[];
};

/** What is behind a reference; `of` is the name without a copy's hash. */
type Known = { of: string; content: Content | null; problem: string | null };
type Named = ConfigReference & Known;

type Comparison = { before: PodTemplate; after: PodTemplate; planned: readonly PlannedCopy[]; sealer: Sealer };

/** Compares what two templates name; the planned copies need not be there yet. */
export async function compareConfig(
  kubernetes: KubernetesClient,
  namespace: string,
  { before, after, planned, sealer }: Comparison,
): Promise<ConfigFindings> {
  const look = async (reference: ConfigReference): Promise<Named> => {
    const plan = planned.find(({ copy }) => copy.kind === reference.kind && copy.name === reference.name);
    if (plan) return { ...reference, of: plan.copy.of, content: plan.content, problem: null };
    return { ...reference, ...(await read(kubernetes, namespace, reference)) };
  };
  const [was, becomes] = await Promise.all([before, after].map((template) => Promise.all(listReferences(template).map(look))));
  return {
    diffs: pair(was ?? [], becomes ?? [], sealer),
    missing: (becomes ?? []).filter(({ optional, problem }) => !optional && !problem).flatMap(listMissing),
    unreadable: (becomes ?? []).filter(({ problem }) => problem).map(({ kind, name }) => ({ kind, name })),
  };
}

async function read(kubernetes: KubernetesClient, namespace: string, { kind, name }: ConfigReference): Promise<Known> {
  try {
    const object = await findConfig(kubernetes, kind, namespace, name);
    return { of: object ? originalName(object) : name, content: object, problem: null };
  } catch (error) {
    return { of: name, content: null, problem: error instanceof Error ? error.message : String(error) };
  }
}

function pair(was: readonly Named[], becomes: readonly Named[], sealer: Sealer): ConfigDiff[] {
  const keyOf = ({ kind, of }: Named) => `${kind}/${of}`;
  const keys = [...new Set([...was, ...becomes].map(keyOf))].toSorted();
  return keys.flatMap((key): ConfigDiff[] => {
    const first = was.find((one) => keyOf(one) === key);
    const second = becomes.find((one) => keyOf(one) === key);
    const any = second ?? first;
    if (!any) return [];
    return [
      {
        kind: any.kind,
        name: any.of,
        before: versionOf(first, sealer),
        after: versionOf(second, sealer),
        problem: first?.problem ?? second?.problem ?? null,
        ...compareKeys(first?.content ?? null, second?.content ?? null),
      },
    ];
  });
}

function versionOf(one: Named | undefined, sealer: Sealer): ConfigVersion | null {
  return one ? { name: one.name, hash: one.content && contentHash(one.content, sealer) } : null;
}

function compareKeys(before: Content | null, after: Content | null): Pick<ConfigDiff, "added" | "removed" | "changed"> {
  if (!before || !after) return { added: [], removed: [], changed: [] };
  const [was, becomes] = [valuesOf(before), valuesOf(after)];
  return {
    added: [...becomes.keys()].filter((key) => !was.has(key)).toSorted(),
    removed: [...was.keys()].filter((key) => !becomes.has(key)).toSorted(),
    changed: [...becomes.keys()].filter((key) => was.has(key) && was.get(key) !== becomes.get(key)).toSorted(),
  };
}

function listMissing({ kind, name, keys, content }: Named): ConfigFindings["missing"] {
  if (!content) return [{ kind, name, key: null }];
  const there = valuesOf(content);
  return keys.filter((key) => !there.has(key)).map((key) => ({ kind, name, key }));
}

function valuesOf({ data, binaryData }: Content): Map<string, string> {
  return new Map([...Object.entries(data ?? {}), ...Object.entries(binaryData ?? {})]);
}
