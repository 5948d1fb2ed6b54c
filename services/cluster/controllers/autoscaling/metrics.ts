import { milliQuantity } from "../../metrics/quantities.ts";
import { parseQuantity } from "../quantity.ts";
import { MetricError, milli, type Proposal, type Question, replicasForAverageValue, replicasForUtilization } from "./replicas.ts";
import type { Reading } from "./sources.ts";
import type { MetricSpec, MetricStatus, MetricTarget, MetricValue } from "./types.ts";

/** What one metric asks for, or why it could not be told: `reason` and `message` for condition and event. */
export type Evaluation =
  | { replicas: number; description: string; status: MetricStatus }
  | { failure: { reason: string; message: string; detail: string }; status: MetricStatus };

type Basis = Omit<Question, "metrics" | "resource">;

/** Turns a metric's values into a count of replicas. The words are those of Kubernetes' horizontal.go. */
export function evaluateMetric(spec: MetricSpec, reading: Reading, basis: Basis): Evaluation {
  const { reason, prefix, context } = wordsOf(spec);
  try {
    if (reading instanceof MetricError) throw reading;
    const question = { ...basis, metrics: reading };
    if (spec.resource) {
      const { name, target } = spec.resource;
      const proposal = proposeForResource({ ...question, resource: name }, target);
      const status = { type: spec.type, resource: { name, current: currentOf(proposal) } };
      return { replicas: proposal.replicas, description: describe(`${name} resource`, target), status };
    }
    if (spec.containerResource) {
      const { name, container, target } = spec.containerResource;
      const proposal = proposeForResource({ ...question, resource: name }, target, container);
      const status = { type: spec.type, containerResource: { name, container, current: currentOf(proposal) } };
      return { replicas: proposal.replicas, description: describe(`${name} container resource`, target), status };
    }
    if (!spec.pods) throw new MetricError(`unknown metric source type ${JSON.stringify(spec.type)}`);
    const { metric, target } = spec.pods;
    const proposal = replicasForAverageValue(question, milli(parseQuantity(target.averageValue) ?? 0));
    const status = { type: spec.type, pods: { metric, current: currentOf(proposal) } };
    return { replicas: proposal.replicas, description: `pods metric ${metric.name}`, status };
  } catch (error) {
    if (!(error instanceof MetricError)) throw error;
    const message = `${prefix}${error.message}`;
    return { failure: { reason, message, detail: `${context}: ${message}` }, status: { type: spec.type } };
  }
}

function proposeForResource(question: Question, target: MetricTarget, container?: string): Proposal {
  const averageValue = parseQuantity(target.averageValue);
  if (averageValue !== undefined) return replicasForAverageValue(question, milli(averageValue));
  if (target.averageUtilization !== undefined) return replicasForUtilization(question, target.averageUtilization, container);
  throw new MetricError(
    "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set",
  );
}

function currentOf({ averageValue, averageUtilization }: Proposal): MetricValue {
  return { ...(averageUtilization === undefined ? {} : { averageUtilization }), averageValue: milliQuantity(averageValue) };
}

function describe(what: string, { averageValue }: MetricTarget): string {
  return averageValue === undefined ? `${what} utilization (percentage of request)` : what;
}

function wordsOf(spec: MetricSpec): { reason: string; prefix: string; context: string } {
  const { resource, containerResource } = spec;
  const prefixOf = (name: string, { averageValue }: MetricTarget) =>
    `failed to get ${name} ${averageValue === undefined ? "utilization" : "usage"}: `;
  if (resource) {
    const { name, target } = resource;
    return {
      reason: "FailedGetResourceMetric",
      prefix: prefixOf(name, target),
      context: `failed to get ${name} resource metric value`,
    };
  }
  if (containerResource) {
    const { name, target } = containerResource;
    const context = `failed to get ${name} container metric value`;
    return { reason: "FailedGetContainerResourceMetric", prefix: prefixOf(name, target), context };
  }
  if (spec.pods) return { reason: "FailedGetPodsMetric", prefix: "", context: "failed to get pods metric value" };
  if (spec.object) return { reason: "FailedGetObjectMetric", prefix: "", context: "failed to get object metric value" };
  if (spec.external) {
    const prefix = `failed to get ${spec.external.metric.name} external metric: `;
    return {
      reason: "FailedGetExternalMetric",
      prefix,
      context: `failed to get ${spec.external.metric.name} external metric value`,
    };
  }
  return { reason: "InvalidMetricSourceType", prefix: "", context: "failed to get metric value" };
}
