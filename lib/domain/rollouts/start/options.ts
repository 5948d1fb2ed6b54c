import type { Workload } from "#lib/kubernetes/objects.ts";
import { readTarget } from "../../actions/target.ts";
import { authorise, type Context } from "../../context.ts";
import { kindLabel, serviceRefSchema } from "../../fleet/schemas.ts";
import { templateYaml } from "../../fleet/template.ts";
import { parseInput } from "../../validation.ts";
import { fitAnalysis } from "../analysis/templates.ts";
import { listSelecting } from "../engine/selecting.ts";
import type { ServiceObject } from "../engine/traffic.ts";
import { readWorld, type World } from "../engine/world.ts";
import { type Analysis, defaultStrategies, type Strategy, strategyAnnotation, strategySchema } from "../strategy.ts";
import { findConfig, originalName } from "./config-copies.ts";
import { listReferences } from "./config-references.ts";
import type { ConfigKind, RolloutOptions } from "./start-schemas.ts";

/** What a form to start a rollout of the service begins with; throws not-found. */
export async function getRolloutOptions(context: Context, ref: unknown): Promise<RolloutOptions> {
  authorise(context, "viewer", "see a service");
  const service = parseInput(serviceRefSchema, ref);
  const { workload, templateHash } = await readTarget(context, service);
  const { template } = workload.spec;
  const [config, world, services] = await Promise.all([
    Promise.all(listReferences(template).map(({ kind, name }) => describeConfig(context, service.namespace, kind, name))),
    readWorld(context.kubernetes, { ref: service, uid: workload.metadata.uid, before: null, now: context.clock() }),
    listSelecting(context.kubernetes, service.namespace, template),
  ]);
  const ways = { ...world, services };
  const own = readOwnStrategy(workload);
  const defaults = fitDefaults(workload.metadata.labels?.[kindLabel] ?? "");
  // What a form begins with can be started: where a route cannot be divided, the instances are.
  if (refuseStrategy(defaults.canary, workload, ways)) defaults.canary.traffic = "replicas";
  const strategies = { ...defaults, ...(own.strategy && { [own.strategy.kind]: own.strategy }) };
  return {
    seen: { uid: workload.metadata.uid, templateHash },
    workload: workload.kind,
    template: templateYaml(template),
    containers: template.spec.containers.map(({ name, image = "" }) => ({ name, image })),
    config,
    strategies,
    preferred: preferredStrategy(workload).kind,
    problem: own.problem,
    refused: {
      rolling: refuseStrategy(defaults.rolling, workload, ways),
      canary: refuseStrategy(defaults.canary, workload, ways),
      "blue-green": refuseStrategy(defaults["blue-green"], workload, ways),
    },
  };
}

/** The strategy of the service's annotation. What cannot be read is told in a sentence. */
export function readOwnStrategy({ metadata }: Workload): { strategy: Strategy | null; problem: string | null } {
  const text = metadata.annotations?.[strategyAnnotation];
  if (text === undefined) return { strategy: null, problem: null };
  const problem = (why: string) => ({ strategy: null, problem: `The annotation ${strategyAnnotation} cannot be used: ${why}` });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return problem("it is not JSON.");
  }
  const { data, error } = strategySchema.safeParse(value);
  if (data) return { strategy: data, problem: null };
  const [issue] = error.issues;
  return problem(`${issue?.path.join(".") || "it"}: ${issue?.message}`);
}

/** The service's own strategy, else the guides' canary; a StatefulSet's pods are replaced in their order. */
export function preferredStrategy(workload: Workload): Strategy {
  const { strategy } = readOwnStrategy(workload);
  if (strategy) return strategy;
  const defaults = fitDefaults(workload.metadata.labels?.[kindLabel] ?? "");
  return workload.kind === "Deployment" ? defaults.canary : defaults.rolling;
}

/** What leads to a service's instances: the Service whose traffic is divided, all that select them, and the route. */
export type Ways = Pick<World, "service" | "route"> & { services: readonly ServiceObject[] };

/** Why the strategy cannot be used for the service, as a sentence; null when it can. */
export function refuseStrategy(
  strategy: Strategy,
  { kind, metadata }: Workload,
  { service, services, route }: Ways,
): string | null {
  const { name } = metadata;
  if (kind === "StatefulSet" && strategy.kind !== "rolling") {
    return `${name} is a StatefulSet: its instances have places of their own, so that no second version can stand beside them. Roll it.`;
  }
  if (kind === "StatefulSet" && strategy.kind === "rolling" && strategy.pauseAfter !== null) {
    return `${name} is a StatefulSet: Kubernetes pauses Deployments only.`;
  }
  if (strategy.kind === "blue-green" && service === null) {
    return `No Service selects ${name}'s instances, so there is nothing to switch: it dials out. Use a canary by the share of instances.`;
  }
  if (strategy.kind === "canary" && strategy.traffic === "route" && route === null) {
    return `No VirtualService or HTTPRoute leads to ${name}. Use the share of instances.`;
  }
  if (strategy.kind === "canary" && strategy.header && route === null) {
    return `No VirtualService or HTTPRoute leads to ${name}, so a header cannot choose the version.`;
  }
  const isByRoute = strategy.kind === "canary" && strategy.traffic !== "replicas" && route !== null;
  if (services.length > 1 && (isByRoute || strategy.kind === "blue-green")) {
    const names = new Intl.ListFormat("en").format(services.map((one) => one.metadata.name));
    return `The Services ${names} all select ${name}'s instances: both versions would get traffic by those that are not divided. Use a canary by the share of instances, or leave one Service.`;
  }
  return null;
}

/** The guides' strategies with those of their metrics that a service of this kind has. */
function fitDefaults(kind: string): RolloutOptions["strategies"] {
  const fitted = (analysis: Analysis | null) => analysis && fitAnalysis(analysis, kind);
  const { rolling, canary, "blue-green": blueGreen } = defaultStrategies;
  return {
    rolling: { ...rolling, analysis: fitted(rolling.analysis) },
    canary: { ...canary, analysis: fitted(canary.analysis) },
    "blue-green": { ...blueGreen, prePromotion: fitted(blueGreen.prePromotion), postPromotion: fitted(blueGreen.postPromotion) },
  };
}

async function describeConfig({ kubernetes }: Context, namespace: string, kind: ConfigKind, present: string) {
  const object = await findConfig(kubernetes, kind, namespace, present).catch(() => null);
  if (!object) return { kind, name: present, present, keys: null };
  const keys = [...Object.keys(object.data ?? {}), ...Object.keys(object.binaryData ?? {})];
  return { kind, name: originalName(object), present, keys: keys.toSorted() };
}
