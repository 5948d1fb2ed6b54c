import { StatusError } from "../api.ts";
import { refusals } from "../registry/refusals.ts";
import type { ResourceDefinition } from "../resources/definition.ts";
import { SelectorError } from "../selectors/label-selector.ts";
import { selectionOf } from "../selectors/selection.ts";
import type { Selection } from "../watch/hub.ts";

export function flag(url: URL, name: string): boolean {
  const value = url.searchParams.get(name);
  return value === "" || value === "1" || value?.toLowerCase() === "true";
}

/** A whole number of the query, or undefined when it is not given. */
export function wholeNumber(url: URL, name: string): number | undefined {
  const value = url.searchParams.get(name);
  if (value === null || value === "") return undefined;
  if (!/^\d{1,15}$/.test(value)) {
    throw refusals.badRequest(
      `unable to parse query parameter ${name}: strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`,
    );
  }
  return Number(value);
}

/** As the query says or, for what a DELETE may carry, the options in the body. */
export function isDryRun(url: URL, options: { dryRun?: string[] } = {}): boolean {
  const values = [...url.searchParams.getAll("dryRun"), ...(options.dryRun ?? [])];
  for (const value of values) {
    if (value !== "All") {
      const message = `invalid: dryRun: Unsupported value: ${JSON.stringify(value)}: supported values: "All"`;
      throw new StatusError(422, "Invalid", message);
    }
  }
  return values.length > 0;
}

/** The revision of a list or watch; undefined for "whatever is newest". */
export function resourceVersion(url: URL): number | undefined {
  const value = url.searchParams.get("resourceVersion");
  if (value === null || value === "" || value === "0") return undefined;
  if (!/^\d{1,15}$/.test(value)) {
    const message = `resourceVersion: Invalid value: ${JSON.stringify(value)}: strconv.ParseUint: parsing ${JSON.stringify(value)}: invalid syntax`;
    throw refusals.badRequest(message);
  }
  return Number(value);
}

/** What a list or watch is about: its place, the query's selectors, and the fields that the kind offers to them. */
export function selectionFor(
  url: URL,
  { namespace, name = "" }: { namespace: string; name?: string },
  { names, of }: NonNullable<ResourceDefinition["selectableFields"]> = { names: [], of: () => ({}) },
): Selection {
  const parameter = (key: string) => url.searchParams.get(key) ?? "";
  const query = { namespace, name, labelSelector: parameter("labelSelector"), fieldSelector: parameter("fieldSelector") };
  try {
    return selectionOf(query, of, names);
  } catch (error) {
    if (error instanceof SelectorError) throw refusals.badRequest(error.message);
    throw error;
  }
}
