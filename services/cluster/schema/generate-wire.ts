/**
 * Writes wire.json: the protobuf field numbers of the kinds that clients may send in protobuf. The argument is a folder that
 * holds the generated.proto files of kubernetes/api and kubernetes/apimachinery, in any layout:
 * node services/cluster/schema/generate-wire.ts FOLDER
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const roots = [
  "core.v1.Namespace",
  "core.v1.Node",
  "core.v1.Pod",
  "core.v1.Service",
  "core.v1.Endpoints",
  "core.v1.ConfigMap",
  "core.v1.Secret",
  "core.v1.ServiceAccount",
  "core.v1.Event",
  "core.v1.Binding",
  "apps.v1.Deployment",
  "apps.v1.ReplicaSet",
  "apps.v1.ControllerRevision",
  "discovery.v1.EndpointSlice",
  "coordination.v1.Lease",
  "autoscaling.v1.Scale",
  "policy.v1.Eviction",
  "authorization.v1.SelfSubjectAccessReview",
  "authorization.v1.SelfSubjectRulesReview",
  "authorization.v1.SubjectAccessReview",
  "authorization.v1.LocalSubjectAccessReview",
  "authentication.v1.TokenReview",
  "authentication.v1.TokenRequest",
  "apps.v1.StatefulSet",
  "batch.v1.Job",
  "batch.v1.CronJob",
  "autoscaling.v1.HorizontalPodAutoscaler",
  "autoscaling.v2.HorizontalPodAutoscaler",
  "policy.v1.PodDisruptionBudget",
  "networking.v1.NetworkPolicy",
  "core.v1.PersistentVolumeClaim",
  "core.v1.PersistentVolume",
  "storage.v1.StorageClass",
  "rbac.v1.Role",
  "rbac.v1.RoleBinding",
  "rbac.v1.ClusterRole",
  "rbac.v1.ClusterRoleBinding",
  "meta.v1.DeleteOptions",
];

type Message = Record<string, string>;

const messages = new Map<string, Message>();
const folder = process.argv[2];
if (!folder) throw new Error("wants the folder of the .proto files");
for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
  if (entry.endsWith(".proto")) readProto(readFileSync(join(folder, entry), "utf8"));
}

const reached: Record<string, Message> = {};
const pending = [...roots];
for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
  if (reached[name]) continue;
  const message = messages.get(name);
  if (!message) throw new Error(`no .proto file has ${name}`);
  reached[name] = message;
  for (const field of Object.values(message)) {
    const type = field.replace(/^[^:]*:(\[\]|\{\})?/, "");
    if (type.includes(".")) pending.push(type);
  }
}
const sorted = Object.fromEntries(Object.entries(reached).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(new URL("wire.json", import.meta.url), `${JSON.stringify(sorted, null, 2)}\n`);

function readProto(text: string): void {
  const space = shortName(/^package (\S+);/m.exec(text)?.[1] ?? "");
  for (const [, name = "", body = ""] of text.matchAll(/^message (\w+) \{\n(.*?)^\}/gms)) {
    const message: Message = {};
    const field = /^ {2}(?:(optional|repeated) ([\w.]+)|map<string, ([\w.]+)>) (\w+) = (\d+)/gm;
    for (const [, label = "", type = "", mapped, fieldName = "", number = ""] of body.matchAll(field)) {
      const prefix = mapped ? "{}" : label === "repeated" ? "[]" : "";
      message[number] = `${fieldName}:${prefix}${qualified(mapped ?? type, space)}`;
    }
    messages.set(`${space}.${name}`, message);
  }
}

function qualified(type: string, space: string): string {
  if (/^[a-z0-9]+$/.test(type)) return type;
  const clean = type.replace(/^\./, "");
  return clean.includes(".") ? shortName(clean) : `${space}.${clean}`;
}

function shortName(name: string): string {
  return name.replace(/^k8s\.io\.(api|apimachinery\.pkg)\.(apis\.)?/, "");
}
