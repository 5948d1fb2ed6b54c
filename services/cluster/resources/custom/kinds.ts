import { isDeepStrictEqual } from "node:util";
import type { V1CustomResourceDefinition } from "@kubernetes/client-node";
import type { KubeObject, ResourceId } from "../../api.ts";
import { builtInResources, type Catalogue } from "../catalogue.ts";
import type { AcceptedNames } from "./acceptance.ts";
import { definitionsOf } from "./definitions.ts";

type Definition = V1CustomResourceDefinition & KubeObject;

/** The kinds that custom resource definitions serve, kept as current as the definitions are. */
export class CustomKinds {
  readonly #catalogue: Catalogue;
  readonly #onReplaced: (id: ResourceId) => void;
  readonly #definitions = new Map<string, Definition>();

  /** `onReplaced` is told of a kind that goes or is served in another form from now on. */
  constructor(catalogue: Catalogue, onReplaced: (id: ResourceId) => void) {
    this.#catalogue = catalogue;
    this.#onReplaced = onReplaced;
  }

  serve(object: KubeObject): void {
    const definition = object as Definition;
    const { name } = object.metadata;
    const before = this.#definitions.get(name);
    this.#definitions.set(name, definition);
    if (before && isDeepStrictEqual(servedParts(before), servedParts(definition))) return;
    this.#catalogue.serve(name, definitionsOf(object));
    if (before && !isDeepStrictEqual(before.spec, definition.spec)) this.#onReplaced(idOf(before));
  }

  drop(name: string): void {
    const before = this.#definitions.get(name);
    this.#definitions.delete(name);
    this.#catalogue.serve(name, []);
    if (before) this.#onReplaced(idOf(before));
  }

  /** The names that the other kinds of the definition's group have. */
  namesBeside({ metadata, spec }: KubeObject): AcceptedNames[] {
    const { group } = spec as V1CustomResourceDefinition["spec"];
    const builtIn = builtInResources.filter(({ id }) => id.group === group);
    const others = [...this.#definitions.values()].filter((one) => one.spec.group === group);
    return [
      ...builtIn.map(({ id, singular, kind, shortNames }) => ({ plural: id.resource, singular, kind, shortNames })),
      ...others.filter((one) => one.metadata.name !== metadata.name).map(({ status }) => status?.acceptedNames ?? {}),
    ];
  }
}

function servedParts({ spec, status, metadata }: Definition): unknown[] {
  const isEstablished = status?.conditions?.some((one) => one.type === "Established" && one.status === "True");
  return [spec, isEstablished, metadata.deletionTimestamp !== undefined];
}

function idOf({ spec }: Definition): ResourceId {
  return { group: spec.group, resource: spec.names.plural };
}
