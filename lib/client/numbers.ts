import type { Unit } from "#lib/domain/metrics/schemas.ts";

/** What stands where there is no figure. */
export const noFigure = "–";

function significant(value: number, digits: number): string {
  if (value === 0) return "0";
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  const decimals = Math.min(Math.max(digits - 1 - magnitude, 0), 6);
  return value.toFixed(decimals);
}

function grouped(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

const binaryUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

function bytes(value: number): string {
  let scaled = value;
  let index = 0;
  while (Math.abs(scaled) >= 1024 && index < binaryUnits.length - 1) {
    scaled /= 1024;
    index += 1;
  }
  return `${index === 0 ? grouped(scaled) : significant(scaled, scaled >= 100 ? 3 : 2)} ${binaryUnits[index]}`;
}

function seconds(value: number): string {
  const absolute = Math.abs(value);
  if (absolute === 0) return "0 ms";
  if (absolute < 0.001) return `${significant(value * 1e6, 2)} µs`;
  if (absolute < 1) return `${significant(value * 1000, absolute >= 0.1 ? 3 : 2)} ms`;
  return `${significant(value, 3)} s`;
}

function ratio(value: number): string {
  const percent = value * 100;
  const absolute = Math.abs(percent);
  if (absolute === 0) return "0 %";
  if (absolute < 0.01) return "< 0.01 %";
  return `${percent.toFixed(absolute >= 99.95 ? 0 : absolute >= 1 ? 1 : 2)} %`;
}

function large(value: number): string {
  const absolute = Math.abs(value);
  if (absolute >= 1e9) return `${significant(value / 1e9, 3)} G`;
  if (absolute >= 1e6) return `${significant(value / 1e6, 3)} M`;
  if (absolute >= 10_000) return `${significant(value / 1000, 3)} k`;
  if (absolute >= 100 || Number.isInteger(value)) return grouped(value);
  return significant(value, absolute >= 10 ? 3 : 2);
}

/** A figure with its unit, rounded to what matters; an en dash for null and for what is not finite. */
export function formatFigure(value: number | null | undefined, unit: Unit): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return noFigure;
  switch (unit) {
    case "per-second":
      return `${large(value)}/s`;
    case "ratio":
      return ratio(value);
    case "seconds":
      return seconds(value);
    case "bytes":
      return bytes(value);
    case "cores":
      return `${significant(value, Math.abs(value) >= 1 ? 3 : 2)} cores`;
    case "count":
      return large(value);
  }
}

const unitNames: Record<Unit, string> = {
  "per-second": "per second",
  ratio: "of 1",
  seconds: "s",
  bytes: "bytes",
  cores: "cores",
  count: "",
};

/** The same figure unrounded, for the hover. */
export function exactFigure(value: number | null | undefined, unit: Unit): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "no data";
  return `${value.toLocaleString("en-US", { maximumFractionDigits: 9 })} ${unitNames[unit]}`.trim();
}

/** "1 instance", "3 instances". */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** Round limits and ticks for a chart's axis from 0 (or below, where values are) to the largest value. */
export function axisTicks(min: number, max: number, wanted: number, unit: Unit): number[] {
  const low = Math.min(0, min);
  const high = max > low ? max : low + (unit === "ratio" ? 0.01 : 1);
  const base = unit === "bytes" ? 1024 ** Math.max(0, Math.floor(Math.log(high) / Math.log(1024))) : 1;
  const rough = (high - low) / Math.max(1, wanted) / base;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 2.5, 5, 10].find((step) => step * power >= rough * 0.999) ?? 10;
  const step = factor * power * base;
  const ticks: number[] = [];
  for (let index = Math.floor(low / step); ; index += 1) {
    const tick = Number((index * step).toPrecision(12));
    ticks.push(tick);
    if (tick >= high) return ticks;
  }
}
