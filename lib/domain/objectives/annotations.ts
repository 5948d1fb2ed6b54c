import type { ServiceAbout } from "../fleet/schemas.ts";
import { type Objective, objectiveSchema } from "./schemas.ts";

const defaultWindowDays = 30;
const durationSeconds: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/**
 * Reads the objectives that a workload's annotations name: slo-availability and slo-latency in percent ("99.9"), slo-latency-threshold
 * as a duration ("50ms"), slo-window in days ("30d"). What cannot be read is told in a sentence, and then nothing of it counts.
 */
export function readObjective(written: ServiceAbout["objectives"]): { objective: Objective | null; problems: string[] } {
  const problems: string[] = [];
  const read = (name: string, text: string | null, parse: (text: string) => number | null, wanted: string): number | null => {
    if (text === null) return null;
    const value = parse(text);
    if (value === null) problems.push(`The annotation switchyard.dev/${name} wants ${wanted}; it is "${text}".`);
    return value;
  };
  const candidate = {
    availability: read("slo-availability", written.availability, parsePercent, "a percentage such as 99.9"),
    latencyRatio: read("slo-latency", written.latency, parsePercent, "a percentage such as 99"),
    latencySeconds: read("slo-latency-threshold", written.latencyThreshold, parseDuration, "a duration such as 50ms"),
    windowDays: read("slo-window", written.window, parseDays, "whole days such as 30d") ?? defaultWindowDays,
  };
  if (candidate.availability === null && candidate.latencyRatio === null && candidate.latencySeconds === null) {
    return { objective: null, problems };
  }
  if (problems.length > 0) return { objective: null, problems };
  const result = objectiveSchema.safeParse(candidate);
  if (result.success) return { objective: result.data, problems };
  return {
    objective: null,
    problems: result.error.issues.map(({ message }) => `The annotations' objectives cannot be used: ${message}`),
  };
}

function parsePercent(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*%?$/.exec(text);
  return match ? Number((Number(match[1]) / 100).toPrecision(12)) : null;
}

function parseDuration(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const unit = durationSeconds[match?.[2] ?? ""];
  return match && unit ? Number((Number(match[1]) * unit).toPrecision(12)) : null;
}

function parseDays(text: string): number | null {
  const match = /^(\d+)d$/.exec(text);
  return match ? Number(match[1]) : null;
}
