import type { NewObject } from "../../api.ts";
import type { Pod } from "../objects.ts";
import { hasEnded } from "../pod-state.ts";
import { resolveIntOrPercent } from "../quantity.ts";
import type { VolumeClaim } from "../volumes/types.ts";
import { claimNamesOf, isStaleClaim, newClaims, withRetention } from "./claims.ts";
import { firstOrdinal, isInRange, newPod, ordinalOf, type Revisions, wantedReplicas, withIdentity } from "./pods.ts";
import { revisionOf } from "./revisions.ts";
import { isRunningAndReady, isTerminating, podAvailableInMs } from "./status.ts";
import type { StatefulSet } from "./types.ts";

export type StatefulSetWorld = {
  set: StatefulSet;
  revisions: Revisions;
  /** The pods that the set controls. */
  pods: readonly Pod[];
  claim: (name: string) => VolumeClaim | undefined;
  now: Date;
};

/** What one pass does. The claims of a pod exist before the pod does. */
export type StatefulSetPlan = {
  create: { pod: NewObject<Pod>; claims: NewObject<VolumeClaim>[] }[];
  /** Claims that pods which exist already wait for. */
  claims: { podName: string; claim: NewObject<VolumeClaim> }[];
  remove: Pod[];
  relabel: Pod[];
  retain: VolumeClaim[];
  requeueAfterMs?: number;
};

/** One pass over a StatefulSet, decided without touching anything. Kubernetes: pkg/controller/statefulset. */
export function planStatefulSet(world: StatefulSetWorld): StatefulSetPlan {
  const pass = new Pass(world);
  if (world.set.metadata.deletionTimestamp !== undefined) return pass.plan;
  const done = pass.fillUp() && pass.scaleDown();
  if (done) pass.rollOut();
  return pass.plan;
}

class Pass {
  readonly plan: StatefulSetPlan = { create: [], claims: [], remove: [], relabel: [], retain: [] };
  readonly #world: StatefulSetWorld;
  readonly #isOrdered: boolean;
  readonly #replicas: (Pod | undefined)[];
  readonly #condemned: Pod[];

  constructor(world: StatefulSetWorld) {
    const { set, pods } = world;
    this.#world = world;
    this.#isOrdered = set.spec.podManagementPolicy !== "Parallel";
    const waits = pods.map((pod) => podAvailableInMs(set, pod, world.now) ?? 0).filter((ms) => ms > 0);
    if (waits.length > 0) this.plan.requeueAfterMs = Math.min(...waits);
    const first = firstOrdinal(set);
    const byOrdinal = new Map(pods.flatMap((pod) => pairs(ordinalOf(set, pod), pod)));
    this.#replicas = Array.from({ length: wantedReplicas(set) }, (_, index) => byOrdinal.get(first + index));
    this.#condemned = [...byOrdinal]
      .filter(([ordinal]) => !isInRange(set, ordinal))
      .sort(([left], [right]) => right - left)
      .map(([, pod]) => pod);
  }

  /** Brings every ordinal to life, the next one only when all before it are available. False while it has to wait. */
  fillUp(): boolean {
    const { set } = this.#world;
    for (const [index, pod] of this.#replicas.entries()) {
      if (this.#fill(firstOrdinal(set) + index, pod) === "wait" && this.#isOrdered) return false;
    }
    return true;
  }

  #fill(ordinal: number, pod: Pod | undefined): "next" | "wait" {
    if (!pod) {
      this.#create(ordinal);
      return "wait";
    }
    if (hasEnded(pod)) {
      if (!isTerminating(pod)) this.plan.remove.push(pod);
      return "wait";
    }
    if (!isRunningAndReady(pod)) this.#createMissingClaims(ordinal, pod);
    if (this.#isOrdered && !this.#isAvailable(pod)) return "wait";
    const relabelled = withIdentity(pod, ordinal);
    if (relabelled) this.plan.relabel.push(relabelled);
    this.#retain(ordinal, pod, false);
    return "next";
  }

  #create(ordinal: number): void {
    const { set, revisions, claim } = this.#world;
    const pod = newPod(set, ordinal, revisions);
    const claims = newClaims(set, ordinal);
    if (claims.some(({ metadata }) => isStaleClaim(claim(metadata.name ?? ""), pod.metadata.name ?? ""))) return;
    this.plan.create.push({ pod, claims: claims.filter(({ metadata }) => !claim(metadata.name ?? "")) });
  }

  #createMissingClaims(ordinal: number, pod: Pod): void {
    const { set, claim } = this.#world;
    if (isTerminating(pod)) return;
    for (const wanted of newClaims(set, ordinal)) {
      if (!claim(wanted.metadata.name ?? "")) this.plan.claims.push({ podName: pod.metadata.name, claim: wanted });
    }
  }

  /** Removes pods beyond the wanted ones, highest first. False while it has to wait. */
  scaleDown(): boolean {
    for (const pod of this.#condemned) this.#retain(ordinalOf(this.#world.set, pod) ?? 0, pod, true);
    const unavailable = [...this.#replicas, ...this.#condemned.toReversed()].find((pod) => pod && !this.#isAvailable(pod));
    for (const pod of this.#condemned) {
      if (isTerminating(pod)) {
        if (this.#isOrdered) return false;
        continue;
      }
      if (this.#isOrdered && !this.#isAvailable(pod) && pod !== unavailable) return false;
      this.plan.remove.push(pod);
      if (this.#isOrdered) return false;
    }
    return true;
  }

  /** Replaces pods of other revisions from the highest ordinal down to the partition. */
  rollOut(): void {
    const { type = "RollingUpdate", rollingUpdate = {} } = this.#world.set.spec.updateStrategy ?? {};
    if (type === "OnDelete") return;
    const { partition = 0, maxUnavailable } = rollingUpdate;
    const targets = this.#replicas.slice(partition).reverse();
    if (maxUnavailable === undefined) this.#replaceNext(targets);
    else this.#replaceSome(targets, Math.max(1, resolveIntOrPercent(maxUnavailable, this.#replicas.length, "up")));
  }

  #replaceNext(targets: readonly (Pod | undefined)[]): void {
    for (const pod of targets) {
      if (pod && this.#isOutdated(pod)) {
        this.#removeOnce(pod);
        return;
      }
      if (!pod || !this.#isAvailable(pod)) return;
    }
  }

  #replaceSome(targets: readonly (Pod | undefined)[], allowed: number): void {
    const unavailable = this.#replicas.filter((pod) => !pod || !this.#isAvailable(pod)).length;
    const outdated = targets.filter((pod): pod is Pod => pod !== undefined && this.#isOutdated(pod));
    for (const pod of outdated.slice(0, Math.max(0, allowed - unavailable))) this.#removeOnce(pod);
  }

  #removeOnce(pod: Pod): void {
    if (!this.plan.remove.includes(pod)) this.plan.remove.push(pod);
  }

  #isOutdated(pod: Pod): boolean {
    return !isTerminating(pod) && revisionOf(pod) !== this.#world.revisions.update.metadata.name;
  }

  #isAvailable(pod: Pod): boolean {
    const { set, now } = this.#world;
    return podAvailableInMs(set, pod, now) === 0 && !isTerminating(pod);
  }

  #retain(ordinal: number, pod: Pod, isCondemned: boolean): void {
    const { set, claim } = this.#world;
    for (const name of claimNamesOf(set, ordinal).values()) {
      const existing = claim(name);
      const changed = existing && withRetention(set, existing, pod, isCondemned);
      if (changed) this.plan.retain.push(changed);
    }
  }
}

function pairs(ordinal: number | undefined, pod: Pod): [number, Pod][] {
  return ordinal === undefined ? [] : [[ordinal, pod]];
}
