/**
 * Writes types.json: the fields of every served kind, as @kubernetes/client-node's models give them.
 * Run it after an update of that package: node services/cluster/schema/generate.ts
 */
import { writeFileSync } from "node:fs";
import * as models from "@kubernetes/client-node";

type Attribute = { baseName: string; type: string; format: string };

const roots = [
  "V1Namespace",
  "V1Node",
  "V1Pod",
  "V1Service",
  "V1Endpoints",
  "V1ConfigMap",
  "V1Secret",
  "V1ServiceAccount",
  "CoreV1Event",
  "EventsV1Event",
  "V1Deployment",
  "V1ReplicaSet",
  "V1ControllerRevision",
  "V1EndpointSlice",
  "V1Lease",
  "V1Scale",
  "V1Binding",
  "V1Eviction",
  "V1DeleteOptions",
  "V1SelfSubjectAccessReview",
  "V1SelfSubjectRulesReview",
  "V1SubjectAccessReview",
  "V1LocalSubjectAccessReview",
  "V1TokenReview",
  "AuthenticationV1TokenRequest",
  "V1StatefulSet",
  "V1Job",
  "V1CronJob",
  "V1HorizontalPodAutoscaler",
  "V2HorizontalPodAutoscaler",
  "V1PodDisruptionBudget",
  "V1NetworkPolicy",
  "V1PersistentVolumeClaim",
  "V1PersistentVolume",
  "V1StorageClass",
  "V1Role",
  "V1RoleBinding",
  "V1ClusterRole",
  "V1ClusterRoleBinding",
  "V1CustomResourceDefinition",
];

const quantityFields: Record<string, string[]> = {
  V1ResourceRequirements: ["limits", "requests"],
  V1VolumeResourceRequirements: ["limits", "requests"],
  V1NodeStatus: ["capacity", "allocatable"],
  V1PodSpec: ["overhead"],
  V1EmptyDirVolumeSource: ["sizeLimit"],
  V1ResourceFieldSelector: ["divisor"],
  V1ContainerStatus: ["allocatedResources"],
  V1PersistentVolumeSpec: ["capacity"],
  V1PersistentVolumeClaimStatus: ["capacity", "allocatedResources"],
  V2MetricTarget: ["averageValue", "value"],
  V2MetricValueStatus: ["averageValue", "value"],
  V2HPAScalingRules: ["tolerance"],
};

const types: Record<string, Record<string, string>> = {};
const pending = [...roots];
for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
  if (types[name]) continue;
  const model = (models as unknown as Record<string, { getAttributeTypeMap?: () => Attribute[] }>)[name];
  if (!model?.getAttributeTypeMap) throw new Error(`client-node has no model ${name}`);
  const fields: Record<string, string> = {};
  for (const attribute of model.getAttributeTypeMap()) {
    const isQuantity = quantityFields[name]?.includes(attribute.baseName) ?? false;
    fields[attribute.baseName] = typeName(attribute.type, attribute.format, isQuantity);
  }
  types[name] = fields;
}
const sorted = Object.fromEntries(Object.entries(types).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(new URL("types.json", import.meta.url), `${JSON.stringify(sorted, null, 2)}\n`);

function typeName(type: string, format: string, isQuantity: boolean): string {
  const list = /^(?:Array|Set)<(.*)>$/.exec(type)?.[1];
  if (list) return `[]${typeName(list, format, isQuantity)}`;
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1];
  if (map) return `{}${typeName(map, format, isQuantity)}`;
  if (isQuantity) return "quantity";
  if (type === "string") return format === "byte" ? "bytes" : "string";
  if (type === "number") return format === "double" ? "double" : format === "int64" ? "int64" : "int32";
  if (type === "boolean") return "bool";
  if (type === "Date") return "time";
  if (type === "V1MicroTime") return "microtime";
  if (type === "IntOrString") return "intOrString";
  if (type === "any" || type === "object" || type === "RuntimeRawExtension") return "any";
  pending.push(type);
  return type;
}
