import type { KubeObject } from "../../api.ts";
import type { Condition, LabelSelector } from "../objects.ts";

/** The fields of autoscaling/v2 that the autoscaler reads or writes. */

export type MetricTarget = {
  type: "Utilization" | "AverageValue" | "Value";
  averageUtilization?: number;
  averageValue?: string | number;
  value?: string | number;
};

export type MetricIdentifier = { name: string; selector?: LabelSelector };
export type CrossVersionReference = { apiVersion?: string; kind: string; name: string };

export type MetricSpec = {
  type: string;
  resource?: { name: string; target: MetricTarget };
  containerResource?: { name: string; container: string; target: MetricTarget };
  pods?: { metric: MetricIdentifier; target: MetricTarget };
  object?: { metric: MetricIdentifier; describedObject: CrossVersionReference; target: MetricTarget };
  external?: { metric: MetricIdentifier; target: MetricTarget };
};

export type MetricValue = { averageUtilization?: number; averageValue?: string; value?: string };

export type MetricStatus = {
  type: string;
  resource?: { name: string; current: MetricValue };
  containerResource?: { name: string; container: string; current: MetricValue };
  pods?: { metric: MetricIdentifier; current: MetricValue };
};

export type ScalingPolicy = { type: "Pods" | "Percent"; value: number; periodSeconds: number };

export type ScalingRules = {
  stabilizationWindowSeconds?: number;
  selectPolicy?: "Max" | "Min" | "Disabled";
  policies?: ScalingPolicy[];
};

export type Behavior = { scaleUp?: ScalingRules; scaleDown?: ScalingRules };

export type AutoscalerStatus = {
  observedGeneration?: number;
  currentReplicas?: number;
  desiredReplicas: number;
  lastScaleTime?: string;
  currentMetrics?: MetricStatus[];
  conditions?: Condition[];
};

export type HorizontalPodAutoscaler = KubeObject & {
  spec: {
    scaleTargetRef: CrossVersionReference;
    minReplicas?: number;
    maxReplicas: number;
    metrics?: MetricSpec[];
    behavior?: Behavior;
  };
  status?: AutoscalerStatus;
};
