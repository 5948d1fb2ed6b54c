import type { KubeObject } from "../api.ts";
import type { Selection } from "../watch/hub.ts";
import { matchesFields, parseFieldSelector } from "./field-selector.ts";
import { matchesLabels, parseLabelSelector, SelectorError } from "./label-selector.ts";

export type SelectionQuery = { namespace: string; name: string; labelSelector: string; fieldSelector: string };

type FieldsOf = (object: KubeObject) => Record<string, string>;

/** One predicate out of namespace, name and both selectors. Refuses fields that the kind does not offer. */
export function selectionOf(query: SelectionQuery, extraFields: FieldsOf, fieldNames: readonly string[]): Selection {
  const labels = parseLabelSelector(query.labelSelector);
  const fields = parseFieldSelector(query.fieldSelector);
  for (const { field } of fields) {
    if (field !== "metadata.name" && field !== "metadata.namespace" && !fieldNames.includes(field)) {
      throw new SelectorError(`field label not supported: ${field}`);
    }
  }
  const { namespace, name } = query;
  const select = (object: KubeObject): boolean => {
    const { metadata } = object;
    if (namespace && metadata.namespace !== namespace) return false;
    if (name && metadata.name !== name) return false;
    if (labels.length > 0 && !matchesLabels(labels, metadata.labels)) return false;
    if (fields.length === 0) return true;
    const identity = { "metadata.name": metadata.name, "metadata.namespace": metadata.namespace ?? "" };
    return matchesFields(fields, { ...extraFields(object), ...identity });
  };
  return Object.assign(select, { key: JSON.stringify([namespace, name, query.labelSelector, query.fieldSelector]) });
}
