import type { KubeObject } from "../api.ts";
import type { User } from "../pki/identities.ts";
import type { ResourceDefinition } from "../resources/definition.ts";
import { DecodeError, decode } from "../schema/decode.ts";
import type { Authorizer } from "./authorizer.ts";
import { checkEscalation, rbacGroup } from "./escalation.ts";
import { checkNodeObject, nodeOf } from "./node-restriction.ts";

export type Admission = { user: User; definition: ResourceDefinition; draft: KubeObject; stored?: KubeObject };

/** Refuses what a user may not write although his roles let him write objects of the kind. The draft is as the client sent it. */
export function admitObject(authorizer: Authorizer, { user, definition, draft, stored }: Admission): void {
  const isNode = nodeOf(user) !== undefined && (definition.kind === "Node" || definition.kind === "Lease");
  if (!isNode && definition.id.group !== rbacGroup) return;
  const read = readDraft(definition, draft);
  if (!read) return;
  if (isNode) checkNodeObject(user, definition.id, read, stored);
  checkEscalation(authorizer, user, definition.id, read, stored);
}

/** Undefined for what cannot be read: the registry refuses it with the reason. */
function readDraft(definition: ResourceDefinition, draft: KubeObject): KubeObject | undefined {
  try {
    const { value } = decode(definition.type, draft);
    return { ...value, metadata: value.metadata ?? {} } as KubeObject;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
