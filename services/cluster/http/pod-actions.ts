import { type DeleteOptions, StatusError } from "../api.ts";
import { refusals } from "../registry/refusals.ts";
import type { Registry } from "../registry/registry.ts";
import { decode } from "../schema/decode.ts";
import type { Store } from "../store/store.ts";
import { sendJson, successStatus } from "./answers.ts";
import { requireObject } from "./body.ts";
import { evict } from "./eviction.ts";
import type { Exchange } from "./exchange.ts";
import { isDryRun } from "./query.ts";
import type { RequestTarget } from "./request-target.ts";

type Parts = { store: Store; registry: Registry; now: () => Date };

/** pods/binding: gives a pod its node. */
export async function bindPod({ request, response, url }: Exchange, target: RequestTarget, parts: Parts): Promise<void> {
  if (request.method !== "POST") throw refusals.methodNotAllowed();
  const binding = (await readAs("V1Binding", request)) as { target?: { kind?: string; name?: string } };
  const node = binding.target?.name;
  if (!node || (binding.target?.kind && binding.target.kind !== "Node")) {
    throw refusals.badRequest("a binding wants the name of a Node in target.name");
  }
  await parts.registry.bind(target.namespace, target.name, node, { dryRun: isDryRun(url) });
  sendJson(response, 201, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
}

/** pods/eviction: a deletion that disruption budgets may refuse. */
export async function evictPod({ request, response, url }: Exchange, target: RequestTarget, parts: Parts): Promise<void> {
  if (request.method !== "POST") throw refusals.methodNotAllowed();
  const { metadata, deleteOptions = {} } = (await readAs("V1Eviction", request)) as {
    metadata?: { name?: string };
    deleteOptions?: DeleteOptions & { dryRun?: string[] };
  };
  if (metadata?.name && metadata.name !== target.name) {
    throw refusals.badRequest("name in URL does not match name in Eviction object");
  }
  const { gracePeriodSeconds, preconditions } = deleteOptions;
  const dryRun = isDryRun(url, deleteOptions);
  try {
    await evict(parts, target, { gracePeriodSeconds, preconditions, dryRun });
  } catch (error) {
    const seconds = error instanceof StatusError ? error.details?.retryAfterSeconds : undefined;
    if (typeof seconds === "number") response.setHeader("retry-after", seconds);
    throw error;
  }
  sendJson(response, 201, { ...successStatus({}), details: undefined, code: 201 });
}

async function readAs(type: string, request: Exchange["request"]): Promise<Record<string, unknown>> {
  return decode(type, await requireObject(request, type)).value;
}
