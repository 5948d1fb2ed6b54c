import { createHash } from "node:crypto";
import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import { KubernetesError } from "#lib/kubernetes/errors.ts";
import { type ConfigObject, type PodTemplate, paths } from "#lib/kubernetes/objects.ts";
import type { Sealer } from "#lib/runtime/sealed.ts";
import { DomainError } from "../../errors.ts";
import { rolloutAnnotation } from "../engine/run.ts";
import { findVersion } from "./config-references.ts";
import type { ConfigChange, ConfigCopy, ConfigKind } from "./start-schemas.ts";

/**
 * Versioned copies, as kustomize's generators make them: a rollout with other configuration writes it to a new, immutable object
 * NAME-HASH that the new template names. The object of before is not touched, so that its template brings it back.
 */

/** On every copy. */
export const copyLabel = "switchyard.dev/config-copy";
const copyOfAnnotation = "switchyard.dev/copy-of";

export type Content = Pick<ConfigObject, "kind" | "data" | "binaryData" | "type">;
export type PlannedCopy = { copy: ConfigCopy; content: Content; present: ConfigObject | null };

/** The object of that name; null when there is none. Throws KubernetesError, also when Switchyard may not read it. */
export async function findConfig(
  kubernetes: KubernetesClient,
  kind: ConfigKind,
  namespace: string,
  name: string,
): Promise<ConfigObject | null> {
  try {
    const object = await kubernetes.get<Omit<ConfigObject, "kind">>(configPath(kind, namespace, name));
    return { ...object, kind };
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 404) return null;
    throw error;
  }
}

/** The name of what the object is a copy of, or its own. */
export function originalName({ metadata }: ConfigObject): string {
  return metadata.annotations?.[copyOfAnnotation] ?? metadata.name;
}

/** Ten digits that are equal exactly when two objects say the same; a Secret's cannot be guessed from them. */
export function contentHash({ kind, data = {}, binaryData = {}, type = "" }: Content, sealer: Sealer): string {
  const sorted = (map: Record<string, string>) => Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([kind, type, sorted(data), sorted(binaryData)]);
  const hash = kind === "Secret" ? sealer.fingerprint(text, "config copy") : createHash("sha256").update(text).digest("hex");
  return hash.slice(0, 10);
}

type CopyRequest = { namespace: string; template: PodTemplate; changes: readonly ConfigChange[]; sealer: Sealer };

/** The copies that the changes need; those that would say the same as what is there are left out. Writes nothing. */
export async function planCopies(
  kubernetes: KubernetesClient,
  { namespace, template, changes, sealer }: CopyRequest,
): Promise<PlannedCopy[]> {
  const planned = await Promise.all(changes.map((change) => planCopy(kubernetes, { namespace, template, sealer }, change)));
  const names = planned.map(({ copy }) => `${copy.kind} ${copy.of}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice) throw new DomainError("invalid-input", `${twice} is changed twice; put its keys together.`);
  return planned.filter(({ content, present }) => !present || contentHash(present, sealer) !== contentHash(content, sealer));
}

async function planCopy(
  kubernetes: KubernetesClient,
  { namespace, template, sealer }: Omit<CopyRequest, "changes">,
  { kind, name, data }: ConfigChange,
): Promise<PlannedCopy> {
  const named = await findConfig(kubernetes, kind, namespace, name);
  const of = named ? originalName(named) : name;
  const version = findVersion(template, { kind, of });
  if (version === null) throw new DomainError("precondition-failed", `The template reads nothing from a ${kind} ${name}.`);
  const present = version === name ? named : await findConfig(kubernetes, kind, namespace, version);
  const content = changeContent(kind, present, data);
  return { copy: { kind, name: `${of}-${contentHash(content, sealer)}`, of }, content, present };
}

function changeContent(kind: ConfigKind, present: ConfigObject | null, changes: ConfigChange["data"]): Content {
  const data = { ...present?.data };
  const binaryData = { ...present?.binaryData };
  for (const [key, value] of Object.entries(changes)) {
    delete data[key];
    delete binaryData[key];
    if (value !== null) data[key] = kind === "Secret" ? Buffer.from(value).toString("base64") : value;
  }
  return kind === "Secret" ? { kind, data, type: present?.type ?? "Opaque" } : { kind, data, binaryData };
}

/** Creates the copies; one that is there already is right by its name. With `dryRun` the cluster only checks them. */
export async function createCopies(
  kubernetes: KubernetesClient,
  namespace: string,
  planned: readonly PlannedCopy[],
  { sealer, ...options }: { sealer: Sealer; rolloutId: string; dryRun?: boolean },
): Promise<void> {
  for (const { copy, content } of planned) {
    const object = {
      apiVersion: "v1",
      ...content,
      metadata: {
        name: copy.name,
        namespace,
        labels: { [copyLabel]: "true" },
        annotations: { [copyOfAnnotation]: copy.of, [rolloutAnnotation]: options.rolloutId },
      },
      immutable: true,
    };
    try {
      await kubernetes.create(paths.configOf(copy.kind, namespace), object, options);
    } catch (error) {
      if (!(error instanceof KubernetesError) || error.status !== 409) throw error;
      const there = await findConfig(kubernetes, copy.kind, namespace, copy.name);
      if (!there || contentHash(there, sealer) !== contentHash(content, sealer)) {
        throw new DomainError(
          "precondition-failed",
          `There is another ${copy.kind} ${copy.name} in ${namespace}; remove it first.`,
        );
      }
    }
  }
}

export function configPath(kind: ConfigKind, namespace: string, name: string): string {
  return `${paths.configOf(kind, namespace)}/${encodeURIComponent(name)}`;
}
