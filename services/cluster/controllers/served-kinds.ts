import type { KubeObject, ResourceId } from "../api.ts";
import { builtInResources } from "../resources/catalogue.ts";
import { apiVersionOf } from "../resources/definition.ts";

export type ServedKind = { id: ResourceId; namespaced: boolean };

type Served = { group: string; scope: string; names: { plural: string; kind: string }; versions: { name: string }[] };

type Typed = { apiVersion: string; kind: string };

/** Where the objects of a kind are served: the built-in kinds, and others as soon as an object of them has been seen. */
export class ServedKinds {
  readonly #kinds = new Map<string, ServedKind>();

  constructor() {
    for (const definition of builtInResources) {
      const { id, kind, namespaced } = definition;
      this.#kinds.set(kindKey({ apiVersion: apiVersionOf(definition), kind }), { id, namespaced });
    }
  }

  find(of: Typed): ServedKind | undefined {
    return this.#kinds.get(kindKey(of));
  }

  learn(id: ResourceId, object: KubeObject): void {
    const key = kindKey(object);
    if (!this.#kinds.has(key)) this.#kinds.set(key, { id, namespaced: object.metadata.namespace !== undefined });
  }

  /** Takes up the versions of a custom resource definition that is established. */
  serve(definition: KubeObject): void {
    const { conditions = [] } = (definition.status ?? {}) as { conditions?: { type: string; status: string }[] };
    if (!conditions.some(({ type, status }) => type === "Established" && status === "True")) return;
    const { group, names, scope, versions } = definition.spec as Served;
    for (const { name } of versions) {
      const served = { id: { group, resource: names.plural }, namespaced: scope === "Namespaced" };
      this.#kinds.set(kindKey({ apiVersion: `${group}/${name}`, kind: names.kind }), served);
    }
  }

  ids(): ResourceId[] {
    const ids = [...this.#kinds.values()].map(({ id }) => id);
    return [...new Map(ids.map((id) => [`${id.group}/${id.resource}`, id])).values()];
  }
}

function kindKey({ apiVersion, kind }: Typed): string {
  return `${apiVersion}/${kind}`;
}
