import type { PodTemplate } from "../objects.ts";

export const templateHashLabel = "pod-template-hash";

/** Fields whose empty value means the same as none; for any other field an empty object is a value (emptyDir: {}). */
const emptyMeansAbsent = new Set([
  "labels",
  "annotations",
  "nodeSelector",
  "limits",
  "requests",
  "resources",
  "securityContext",
  "metadata",
]);
const safeLetters = "bcdfghjklmnpqrstvwxz2456789";

/** Whether two templates make the same pods: their hash labels do not count. */
export function sameTemplate(left: PodTemplate, right: PodTemplate): boolean {
  return canonical(left) === canonical(right);
}

/** A short name for the content of a template, made only of letters that cannot spell a word. */
export function templateHash(template: PodTemplate, collisionCount = 0): string {
  const text = collisionCount > 0 ? `${canonical(template)}#${collisionCount}` : canonical(template);
  return [...String(fnv32a(text))].map((digit) => safeLetters[digit.charCodeAt(0) % safeLetters.length]).join("");
}

export function withHashLabel(template: PodTemplate, hash: string): PodTemplate {
  const labels = { ...template.metadata?.labels, [templateHashLabel]: hash };
  return { ...template, metadata: { ...template.metadata, labels } };
}

function canonical(template: PodTemplate): string {
  const { [templateHashLabel]: _, ...labels } = template.metadata?.labels ?? {};
  return JSON.stringify(sorted({ ...template, metadata: { ...template.metadata, labels } }));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .map(([key, inner]) => [key, sorted(inner)] as const)
    .filter(([key, inner]) => !isAbsent(key, inner))
    .sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries);
}

function isAbsent(key: string, value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && emptyMeansAbsent.has(key) && Object.keys(value).length === 0;
}

function fnv32a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
