/** Kubernetes quantities ("500m", "512Mi", "1e3") and the "number or percent" of rolling updates. */

const binaryUnits: Record<string, number> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 };
const decimalUnits: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
};
const quantityPattern = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([KMGTPE]i|[numkMGTPE]))?$/;

/** The value in base units (cores, bytes, pieces); undefined when it is no quantity. */
export function parseQuantity(text: string | number | undefined): number | undefined {
  if (typeof text === "number") return Number.isFinite(text) ? text : undefined;
  const match = text === undefined ? null : quantityPattern.exec(text.trim());
  if (!match) return undefined;
  const [, digits, exponent, unit = ""] = match;
  const value = Number(`${digits}${exponent ?? ""}`);
  return value * (binaryUnits[unit] ?? decimalUnits[unit] ?? 1);
}

/** Thousandths of a core, rounded up as Kubernetes does. */
export function cpuMillis(text: string | number | undefined): number {
  return roundUp((parseQuantity(text) ?? 0) * 1000);
}

/** Whole bytes or pieces, rounded up. */
export function wholeUnits(text: string | number | undefined): number {
  return roundUp(parseQuantity(text) ?? 0);
}

function roundUp(value: number): number {
  // 0.1 * 1000 must not become 101 through the binary fraction.
  return Math.ceil(Math.round(value * 1e6) / 1e6);
}

export type IntOrPercent = number | string;

/** A count, or a percentage of `total` rounded the way the field wants it. A value that is neither counts as 0. */
export function resolveIntOrPercent(value: IntOrPercent, total: number, rounding: "up" | "down"): number {
  if (typeof value === "number") return value;
  const percent = /^(\d+)%$/.exec(value)?.[1];
  if (percent === undefined) return /^\d+$/.test(value) ? Number(value) : 0;
  const exact = (Number(percent) * total) / 100;
  return rounding === "up" ? Math.ceil(exact) : Math.floor(exact);
}
