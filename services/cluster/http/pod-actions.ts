import { type DeleteOptions, type KubeObject, StatusError } from "../api.ts";
import { timestamp } from "../registry/metadata.ts";
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
type Pod = KubeObject & { spec: { nodeName?: string }; status?: { conditions?: { type: string }[] } };

/** pods/binding: gives a pod its node. */
export async function bindPod({ request, response, url }: Exchange, target: RequestTarget, parts: Parts): Promise<void> {
  const { definition, namespace, name } = target;
  if (request.method !== "POST") throw refusals.methodNotAllowed();
  const binding = (await readAs("V1Binding", request)) as { target?: { kind?: string; name?: string } };
  const node = binding.target?.name;
  if (!node || (binding.target?.kind && binding.target.kind !== "Node")) {
    throw refusals.badRequest("a binding wants the name of a Node in target.name");
  }
  const pod = parts.registry.get<Pod>(definition.id, namespace, name);
  if (!pod) throw refusals.notFound(definition.id, name);
  if (pod.metadata.deletionTimestamp)
    throw refusals.conflict(bindings, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  if (pod.spec.nodeName) {
    throw refusals.conflict(bindings, name, `pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
  }
  const options = { dryRun: isDryRun(url) };
  const bound = await parts.registry.update<Pod>(definition.id, { ...pod, spec: { ...pod.spec, nodeName: node } }, options);
  if (!options.dryRun) await setScheduled(bound, parts);
  sendJson(response, 201, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
}

const bindings = { group: "", resource: "pods/binding" };

async function setScheduled(pod: Pod, { registry, now }: Parts): Promise<void> {
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== "PodScheduled");
  const condition = { type: "PodScheduled", status: "True", lastTransitionTime: timestamp(now()) };
  const status = { ...pod.status, conditions: [...others, condition] };
  await registry.updateStatus<Pod>({ group: "", resource: "pods" }, { ...pod, status });
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
  const dryRun = isDryRun(url) || (deleteOptions.dryRun ?? []).includes("All");
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
