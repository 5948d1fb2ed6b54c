import { isDeepStrictEqual } from "node:util";
import type { KubeObject } from "../../api.ts";
import { backendProblem, type Problem, parentProblem } from "../../proxy/routes/http-routes.ts";
import type { HttpRoute as HttpRouteFields, ParentRef } from "../../proxy/routes/objects.ts";
import type { ServicesByName } from "../../proxy/routes/virtual-services.ts";
import { timestamp } from "../../timestamp.ts";
import { withCondition } from "../conditions.ts";
import type { Condition } from "../objects.ts";

export const controllerName = "switchyard.dev/service-proxy";

type RouteCondition = Condition & { observedGeneration?: number };
export type ParentStatus = { controllerName: string; parentRef: ParentRef; conditions?: RouteCondition[] };
export type HttpRoute = KubeObject & { spec: HttpRouteFields["spec"]; status?: { parents: ParentStatus[] } };

/** The status that an HTTPRoute should have: an entry for each parent, those of other controllers kept. Undefined: no change. */
export function planRouteStatus(route: HttpRoute, services: ServicesByName, now: Date): HttpRoute["status"] | undefined {
  const before = route.status?.parents ?? [];
  const references = (route.spec.rules ?? [])
    .flatMap(({ backendRefs = [] }) => backendRefs)
    .map((backend) => backendProblem(route, backend, services));
  const resolved = references.find((problem) => problem !== undefined);
  const own = (route.spec.parentRefs ?? []).map((parentRef): ParentStatus => {
    const known = before.find(
      (entry) => entry.controllerName === controllerName && isDeepStrictEqual(entry.parentRef, parentRef),
    );
    const problem = parentProblem(route, parentRef, services);
    let conditions = known?.conditions ?? [];
    conditions = set(conditions, "Accepted", problem, "Accepted", "the service proxy routes by it");
    conditions = set(conditions, "ResolvedRefs", resolved, "ResolvedRefs", "all backends exist");
    return { controllerName, parentRef, conditions: conditions.toSorted((left, right) => (left.type < right.type ? -1 : 1)) };
  });
  const parents = [...before.filter((entry) => entry.controllerName !== controllerName), ...own];
  return isDeepStrictEqual(before, parents) ? undefined : { parents };

  function set(
    conditions: RouteCondition[],
    type: string,
    problem: Problem | undefined,
    goodReason: string,
    goodMessage: string,
  ): RouteCondition[] {
    const { reason, message } = problem ?? { reason: goodReason, message: goodMessage };
    const lastTransitionTime = timestamp(now);
    const next = withCondition(conditions, { type, status: problem ? "False" : "True", reason, message, lastTransitionTime });
    const observedGeneration = route.metadata.generation ?? 1;
    return next.map((condition) => (condition.type === type ? { ...condition, message, observedGeneration } : condition));
  }
}
