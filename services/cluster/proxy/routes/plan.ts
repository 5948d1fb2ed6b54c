import type { IncomingHttpHeaders } from "node:http";

/** A port of a Service, as the proxy's maps know it. */
export type ServicePort = { service: string; port: number };

/** An answer that the proxy gives itself. */
export type Refusal = { status: 404 | 500 | 503; why: string };

export type Target = ServicePort | Refusal;

export type WeightedTarget = { weight: number; target: Target };

/** All headers must be equal; names are in lower case. No headers match every request. */
export type Rule = { headers: { name: string; value: string }[]; targets: WeightedTarget[]; whenAllZero: Refusal };

/** What happens to the requests of one port of a Service: the first rule that matches decides. */
export type RoutePlan = { routes: string[]; rules: Rule[] };

export function portKey({ service, port }: ServicePort): string {
  return `${service}:${port}`;
}

/** Where one request goes. `random` gives a number from 0 up to, not including, 1; weights are proportions of their own sum. */
export function chooseTarget(plan: RoutePlan, headers: IncomingHttpHeaders, random: () => number): Target {
  const rule = plan.rules.find((candidate) => candidate.headers.every(({ name, value }) => headers[name] === value));
  if (!rule) return { status: 404, why: `no rule of ${plan.routes.join(", ")} matches the request` };
  const total = rule.targets.reduce((sum, { weight }) => sum + weight, 0);
  let rest = random() * total;
  for (const { weight, target } of rule.targets) {
    if (rest < weight) return target;
    rest -= weight;
  }
  return rule.whenAllZero;
}
