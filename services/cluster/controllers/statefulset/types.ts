import type { KubeObject, ObjectMeta } from "../../api.ts";
import type { Condition, LabelSelector, PodTemplate } from "../objects.ts";
import type { IntOrPercent } from "../quantity.ts";
import type { VolumeClaimSpec } from "../volumes/types.ts";

export type ClaimTemplate = { metadata?: Partial<ObjectMeta>; spec: VolumeClaimSpec; [field: string]: unknown };

export type RetentionPolicy = { whenDeleted?: "Retain" | "Delete"; whenScaled?: "Retain" | "Delete" };

export type StatefulSetStatus = {
  observedGeneration?: number;
  replicas: number;
  readyReplicas?: number;
  availableReplicas?: number;
  currentReplicas?: number;
  updatedReplicas?: number;
  currentRevision?: string;
  updateRevision?: string;
  collisionCount?: number;
  conditions?: Condition[];
};

export type StatefulSet = KubeObject & {
  spec: {
    replicas?: number;
    selector: LabelSelector;
    template: PodTemplate;
    serviceName?: string;
    podManagementPolicy?: "OrderedReady" | "Parallel";
    updateStrategy?: {
      type?: "RollingUpdate" | "OnDelete";
      rollingUpdate?: { partition?: number; maxUnavailable?: IntOrPercent };
    };
    volumeClaimTemplates?: ClaimTemplate[];
    persistentVolumeClaimRetentionPolicy?: RetentionPolicy;
    revisionHistoryLimit?: number;
    minReadySeconds?: number;
    ordinals?: { start?: number };
  };
  status?: StatefulSetStatus;
};

/** One remembered pod template of a StatefulSet; `data` is the strategic merge patch that brings it back. */
export type ControllerRevision = KubeObject & {
  revision: number;
  data: { spec: { template: PodTemplate & { $patch?: string } } };
};
