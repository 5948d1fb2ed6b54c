import type { Container } from "./pod.ts";

const suffixes: Record<string, number> = {
  "": 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** The number that a Kubernetes quantity stands for: "250m" is 0.25, "1Gi" is 2^30. NaN when it is none. */
export function parseQuantity(text: string): number {
  const match = /^([+-]?[0-9.]+(?:[eE][+-]?\d+)?)([a-zA-Z]*)$/.exec(text);
  return match ? Number(match[1]) * (suffixes[match[2] ?? ""] ?? Number.NaN) : Number.NaN;
}

/** A resourceFieldRef's value: limits and requests in units of the divisor, rounded up; a missing limit is the node's capacity. */
export function formatResource(
  container: Container,
  resource: string,
  divisor: string | undefined,
  capacity: { cpu: string; memory: string },
): string {
  const [kind, name = ""] = resource.split(".");
  const { limits, requests } = container.resources ?? {};
  const nodeValue = name === "cpu" ? capacity.cpu : name === "memory" ? capacity.memory : "0";
  const value = kind === "limits" ? (limits?.[name] ?? nodeValue) : (requests?.[name] ?? limits?.[name] ?? "0");
  const unit = divisor && parseQuantity(divisor) > 0 ? parseQuantity(divisor) : 1;
  return String(Math.ceil(Number((parseQuantity(value) / unit).toPrecision(12))));
}

/** The pod's quality of service class, from what its containers ask for. */
export function qosClass(containers: Container[]): "Guaranteed" | "Burstable" | "BestEffort" {
  const asked = containers.flatMap(({ resources }) => [
    ...Object.keys(resources?.requests ?? {}),
    ...Object.keys(resources?.limits ?? {}),
  ]);
  if (asked.length === 0) return "BestEffort";
  const isGuaranteed = containers.every(({ resources }) =>
    ["cpu", "memory"].every((name) => {
      const limit = resources?.limits?.[name];
      const request = resources?.requests?.[name] ?? limit;
      return limit !== undefined && request !== undefined && parseQuantity(limit) === parseQuantity(request);
    }),
  );
  return isGuaranteed ? "Guaranteed" : "Burstable";
}
