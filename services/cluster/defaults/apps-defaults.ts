import type { V1PersistentVolumeClaim, V1StatefulSetSpec } from "@kubernetes/client-node";
import { setPodSpecDefaults } from "./pod-defaults.ts";
import { setClaimDefaults } from "./storage-defaults.ts";

/** Source: pkg/apis/apps/v1/defaults.go. */
export function setStatefulSetDefaults(spec: V1StatefulSetSpec): void {
  spec.podManagementPolicy ??= "OrderedReady";
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ??= "RollingUpdate";
  if (spec.updateStrategy.type === "RollingUpdate") {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.partition ??= 0;
  }
  spec.persistentVolumeClaimRetentionPolicy ??= {};
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ??= "Retain";
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ??= "Retain";
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  for (const claim of spec.volumeClaimTemplates ?? []) setTemplateDefaults(claim);
  if (!spec.template) return;
  spec.template.metadata ??= {};
  if (spec.template.spec) setPodSpecDefaults(spec.template.spec);
}

function setTemplateDefaults(claim: V1PersistentVolumeClaim): void {
  claim.apiVersion ??= "v1";
  claim.kind ??= "PersistentVolumeClaim";
  claim.status ??= { phase: "Pending" };
  if (claim.spec) setClaimDefaults(claim.spec);
}
