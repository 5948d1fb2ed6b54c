import type { KubernetesClient } from "#lib/kubernetes/client.ts";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import type { RecoveryCheck } from "../schemas.ts";
import { hashObject, type ManifestObject } from "./object-form.ts";
import type { ObjectsFacts } from "./objects.ts";
import { applyOne } from "./objects-apply.ts";

/** Asks the server to take every object without writing any (dry run), and holds what is in the archive against the facts. */
export async function proveObjects(
  { kubernetes }: Pick<Context, "kubernetes">,
  objects: readonly ManifestObject[],
  facts: ObjectsFacts,
): Promise<RecoveryCheck[]> {
  const checks: RecoveryCheck[] = [
    {
      name: "Objects in the archive",
      wanted: String(facts.objects.length),
      found: String(objects.length),
      passed: objects.length === facts.objects.length,
    },
  ];
  for (const { kind, name, hash } of facts.objects) {
    const object = objects.find((one) => one.kind === kind && one.metadata.name === name);
    const found = object
      ? await tryObject(kubernetes, object, { hash, namespace: facts.namespace })
      : "It is not in the archive.";
    checks.push({
      name: `${kind} ${name}`,
      wanted: "The cluster takes it",
      found: found ?? "The cluster takes it",
      passed: found === null,
    });
  }
  return checks;
}

/** Why the object cannot be restored; null when it can. */
async function tryObject(
  kubernetes: KubernetesClient,
  object: ManifestObject,
  { hash, namespace }: { hash: string | null; namespace: string },
): Promise<string | null> {
  if (hash !== null && hashObject(object) !== hash) return "It says something else than what was saved.";
  try {
    await applyOne(kubernetes, object, { namespace, dryRun: true });
    return null;
  } catch (error) {
    if (error instanceof DomainError && error.code !== "kubernetes-unavailable") return error.message;
    throw error;
  }
}
