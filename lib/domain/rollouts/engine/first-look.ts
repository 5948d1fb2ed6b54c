import { hashLabels } from "#lib/kubernetes/workloads.ts";
import { compileSteps } from "./compile-steps.ts";
import { isSettled } from "./completion.ts";
import { candidateName, type RolloutRun, type TrafficBy } from "./run.ts";
import { missingLabels } from "./selecting.ts";
import type { Situation } from "./situation.ts";
import { readWeight, rulesOf } from "./traffic.ts";

export type FirstLook = { run: RolloutRun } | { waiting: string } | { refusal: string };

/** Decides how traffic is divided, and keeps what was there before: it has to be known before anything is written. */
export function firstLook(situation: Situation): FirstLook {
  const { run, strategy, world } = situation;
  const { stable, service, route } = world;
  const replicas = stable.spec.replicas ?? 1;
  const refusal = refuseLost(situation) ?? refuseDivided(world);
  if (refusal) return { refusal };
  const by = chooseTraffic(situation);
  if (typeof by === "object") return by;
  if ((by === "route" || by === "selector") && world.selecting.length > 1) {
    const names = new Intl.ListFormat("en").format(world.selecting.map(({ metadata }) => metadata.name));
    return { refusal: `The Services ${names} all select the instances of ${stable.metadata.name}, and only one can be divided.` };
  }
  if (by !== "none" && !isSettled(world)) return { waiting: "Waiting until stable has all of its instances." };
  const { [hashLabels[0]]: _, ...selector } = service?.spec.selector ?? {};
  return {
    run: {
      ...run,
      by,
      steps: compileSteps(strategy, replicas),
      before: {
        service: service?.metadata.name ?? null,
        selector: service ? selector : null,
        route: by === "route" && route ? { kind: route.kind, name: route.metadata.name, rules: rulesOf(route) } : null,
        replicas,
      },
    },
  };
}

/** A Service that selects by what the new template does not carry would have no instances any more. */
function refuseLost({ target, world: { selecting } }: Situation): string | null {
  for (const service of selecting) {
    const missing = missingLabels(service, target.template);
    if (missing.length > 0) {
      return `The Service ${service.metadata.name} selects by ${missing.join(", ")}, which new instances would not carry.`;
    }
  }
  return null;
}

/** A way back that was given up may have left an earlier candidate its share: this rollout would remove that candidate. */
function refuseDivided({ service, route }: Situation["world"]): string | null {
  if (!service || !route) return null;
  const { name, namespace = "" } = service.metadata;
  const share = readWeight(route, { namespace, service: name, candidate: candidateName(name) });
  if (!share) return null;
  return `The ${route.kind} ${route.metadata.name} still gives ${share} % to ${candidateName(name)}. Take that out of it first.`;
}

function chooseTraffic({ strategy, world: { stable, service, route } }: Situation): TrafficBy | { refusal: string } {
  const { name } = stable.metadata;
  if (strategy.kind === "rolling") return "none";
  if (stable.kind !== "Deployment") return { refusal: `${name} is a ${stable.kind}: only a Deployment can have a candidate.` };
  if (strategy.kind === "blue-green") {
    return service ? "selector" : { refusal: `No Service selects the instances of ${name}: there is nothing to switch.` };
  }
  if (strategy.traffic === "replicas") return "replicas";
  if (route) return "route";
  if (strategy.traffic === "auto") return "replicas";
  return { refusal: `No VirtualService or HTTPRoute has a Service of ${name} as its destination.` };
}
