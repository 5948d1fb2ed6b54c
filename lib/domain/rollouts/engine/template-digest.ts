import { createHash } from "node:crypto";
import type { PodTemplate } from "#lib/kubernetes/objects.ts";
import { canonicalTemplate } from "../../fleet/template.ts";

/** SHA-256 of a pod template, equal exactly when two templates are. */
export function digestTemplate(template: PodTemplate): string {
  return createHash("sha256").update(canonicalTemplate(template)).digest("hex");
}
