const factors: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};
const pattern = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/;

/** A Kubernetes quantity ("500m", "1.5Gi", "1e3") in base units: cores, bytes, pieces. What is no quantity is 0, as if it were absent. */
export function parseQuantity(text: string | number | undefined): number {
  const [, number, unit] = pattern.exec(String(text ?? "")) ?? [];
  return number === undefined ? 0 : Number(number) * (unit === undefined ? 1 : (factors[unit] ?? 1));
}
