import type { PodTemplate } from "#lib/kubernetes/objects.ts";
import type { ConfigCopy, ConfigKind } from "./start-schemas.ts";

/** A ConfigMap or Secret that a template names. */
export type ConfigReference = { kind: ConfigKind; name: string /** Pods start without it. */; optional: boolean; keys: string[] };

type Fields = Record<string, unknown>;
/** A place in a template that names one; `field` of `holder` is the name. */
type Place = { kind: ConfigKind; holder: Fields; field: "name" | "secretName"; keys: string[] };

/** What the template reads its configuration from, each once, in the order of names. */
export function listReferences(template: PodTemplate): ConfigReference[] {
  const found = new Map<string, ConfigReference>();
  for (const { kind, holder, field, keys } of places(template)) {
    const name = String(holder[field]);
    const optional = holder.optional === true;
    const known = found.get(`${kind}/${name}`);
    found.set(`${kind}/${name}`, {
      kind,
      name,
      optional: optional && (known?.optional ?? true),
      keys: [...new Set([...(known?.keys ?? []), ...(optional ? [] : keys)])],
    });
  }
  return [...found.values()].toSorted((a, b) => `${a.kind}/${a.name}`.localeCompare(`${b.kind}/${b.name}`));
}

/** The template with other names for what `copies` are copies of: of the object itself, or of an earlier copy of it. */
export function nameCopies(template: PodTemplate, copies: readonly ConfigCopy[]): PodTemplate {
  const changed = structuredClone(template);
  for (const { kind, holder, field } of places(changed)) {
    const copy = copies.find((one) => one.kind === kind && isVersionOf(String(holder[field]), one.of));
    if (copy) holder[field] = copy.name;
  }
  return changed;
}

/** The name under which the template has what the copy is one of; null when it does not name it. */
export function findVersion(template: PodTemplate, { kind, of }: Pick<ConfigCopy, "kind" | "of">): string | null {
  return listReferences(template).find((one) => one.kind === kind && isVersionOf(one.name, of))?.name ?? null;
}

/** Whether the name is the object's own, or that of a copy of it: the name with a hash. */
export function isVersionOf(name: string, of: string): boolean {
  return name === of || (name.startsWith(`${of}-`) && copyHash.test(name.slice(of.length + 1)));
}

const copyHash = /^[0-9a-f]{10}$/;

function* places(template: PodTemplate): Generator<Place> {
  const { containers, initContainers = [], volumes } = template.spec;
  for (const container of [...initContainers, ...containers] as Fields[]) {
    for (const { valueFrom } of listOf(container.env)) {
      yield* named("ConfigMap", fieldsOf(valueFrom).configMapKeyRef);
      yield* named("Secret", fieldsOf(valueFrom).secretKeyRef);
    }
    for (const { configMapRef, secretRef } of listOf(container.envFrom)) {
      yield* named("ConfigMap", configMapRef);
      yield* named("Secret", secretRef);
    }
  }
  for (const { configMap, secret, projected } of listOf(volumes)) {
    yield* named("ConfigMap", configMap);
    yield* named("Secret", secret, "secretName");
    for (const source of listOf(fieldsOf(projected).sources)) {
      yield* named("ConfigMap", source.configMap);
      yield* named("Secret", source.secret);
    }
  }
}

function* named(kind: ConfigKind, holder: unknown, field: Place["field"] = "name"): Generator<Place> {
  const fields = fieldsOf(holder);
  if (typeof fields[field] !== "string") return;
  const items = listOf(fields.items).map(({ key }) => key);
  const keys = [fields.key, ...items].filter((key) => typeof key === "string");
  yield { kind, holder: fields, field, keys };
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}
