import type { IncludeObject } from "../tables/table.ts";

/** The form of an answer: plain objects, a table for people, or metadata alone. `version` is that of meta.k8s.io. */
export type Rendition =
  | { form: "objects"; isYaml: boolean }
  | { form: "table"; version: string; includeObject: IncludeObject }
  | { form: "metadata"; version: string };

export type MediaRange = { type: string; parameters: Record<string, string> };

/** The media ranges of an Accept header in the order of the client's preference. */
export function parseAccept(header: string | undefined): MediaRange[] {
  const ranges = (header ?? "").split(",").flatMap((part) => {
    const [type = "", ...rest] = part.split(";").map((piece) => piece.trim());
    if (!type) return [];
    const parameters = Object.fromEntries(rest.map((piece) => piece.split("=", 2) as [string, string]));
    return [{ type: type.toLowerCase(), parameters }];
  });
  const quality = ({ parameters }: MediaRange) => Number(parameters.q ?? 1);
  return ranges.sort((a, b) => quality(b) - quality(a));
}

/** The first form that the server can give; undefined when the client takes none of them. */
export function chooseRendition(header: string | undefined, includeObject: string | null): Rendition | undefined {
  const ranges = parseAccept(header);
  if (ranges.length === 0) return { form: "objects", isYaml: false };
  for (const { type, parameters } of ranges) {
    const isJson = type === "application/json" || type === "*/*" || type === "application/*";
    if (isJson && parameters.as) {
      const { as, v: version = "v1", g } = parameters;
      if (g !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) continue;
      if (as === "Table") return { form: "table", version, includeObject: asIncludeObject(includeObject) };
      if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") return { form: "metadata", version };
      continue;
    }
    if (isJson) return { form: "objects", isYaml: false };
    if (type === "application/yaml") return { form: "objects", isYaml: true };
  }
  return undefined;
}

function asIncludeObject(value: string | null): IncludeObject {
  return value === "None" || value === "Object" ? value : "Metadata";
}
