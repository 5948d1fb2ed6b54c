import type {
  V1PersistentVolumeClaimSpec,
  V1PersistentVolumeSpec,
  V1StatefulSetSpec,
  V1StorageClass,
} from "@kubernetes/client-node";
import { describe, expect, it } from "vitest";
import { FieldErrors } from "./field-errors.ts";
import { validateStatefulSet, validateStatefulSetUpdate } from "./stateful-set-validation.ts";
import {
  validateClaimSpec,
  validateClaimUpdate,
  validateStorageClass,
  validateVolume,
  validateVolumeUpdate,
} from "./storage-validation.ts";

function causes(check: (errors: FieldErrors) => void): string[] {
  const errors = new FieldErrors();
  check(errors);
  return errors.causes.map(({ field, message }) => `${field}: ${message}`);
}

const claimOf = (spec: object = {}): V1PersistentVolumeClaimSpec => ({
  accessModes: ["ReadWriteOnce"],
  resources: { requests: { storage: "1Gi" } },
  volumeMode: "Filesystem",
  ...spec,
});
const volumeOf = (spec: object = {}): V1PersistentVolumeSpec => ({
  accessModes: ["ReadWriteOnce"],
  capacity: { storage: "1Gi" },
  hostPath: { path: "/srv/data" },
  persistentVolumeReclaimPolicy: "Retain",
  volumeMode: "Filesystem",
  ...spec,
});

describe("a claim", () => {
  it.each([
    [{ accessModes: [] }, "spec.accessModes: Required value: at least 1 access mode is required"],
    [{ resources: {} }, "spec.resources[storage]: Required value"],
    [
      { resources: { requests: { storage: "0" } } },
      'spec.resources.requests.storage: Invalid value: "0": must be greater than zero',
    ],
    [{ volumeMode: "Block" }, 'spec.volumeMode: Unsupported value: "Block": supported values: "Filesystem"'],
    [{ dataSource: { kind: "VolumeSnapshot", name: "x" } }, "spec.dataSource: Forbidden: is not supported by the local cluster"],
  ])("with %j is refused", (spec, expected) => {
    expect(causes((errors) => validateClaimSpec(claimOf(spec), "spec", errors))).toEqual([expected]);
  });

  it("may be given its volume once, and nothing else", () => {
    const update = (after: object, before: object = {}) =>
      causes((errors) => validateClaimUpdate(claimOf(after), claimOf(before), errors));
    expect(update({ volumeName: "pvc-1" })).toEqual([]);
    expect(update({ volumeName: "pvc-2" }, { volumeName: "pvc-1" })).toEqual([
      expect.stringMatching(/^spec: Forbidden: spec is immutable/),
    ]);
    expect(update({ storageClassName: "fast" })).toEqual([expect.stringMatching(/^spec: Forbidden: spec is immutable/)]);
    const grown = { resources: { requests: { storage: "2Gi" } } };
    expect(update(grown)).toEqual([expect.stringMatching(/must support resize$/)]);
  });
});

describe("a volume", () => {
  it.each([
    [{ hostPath: undefined }, "spec: Required value: must specify a volume type"],
    [{ local: { path: "/x" } }, "spec.local: Forbidden: may not specify more than 1 volume type"],
    [{ hostPath: undefined, nfs: { server: "a", path: "/" } }, "spec.nfs: Forbidden: is not supported by the local cluster"],
    [{ hostPath: { path: "/srv/../etc" } }, `spec.hostPath.path: Invalid value: "/srv/../etc": must not contain '..'`],
    [
      { persistentVolumeReclaimPolicy: "Recycle" },
      'spec.persistentVolumeReclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
    ],
    [{ capacity: undefined }, "spec.capacity: Required value"],
  ])("with %j is refused", (spec, expected) => {
    expect(causes((errors) => validateVolume(volumeOf(spec), errors))).toEqual([expected]);
  });

  it("stays where it is", () => {
    const moved = volumeOf({ hostPath: { path: "/srv/other" } });
    expect(causes((errors) => validateVolumeUpdate(moved, volumeOf(), errors))).toHaveLength(1);
    const kept = volumeOf({ persistentVolumeReclaimPolicy: "Delete" });
    expect(causes((errors) => validateVolumeUpdate(kept, volumeOf(), errors))).toEqual([]);
  });
});

describe("a storage class", () => {
  it("cannot grow volumes here", () => {
    const given = { provisioner: "x", reclaimPolicy: "Delete", volumeBindingMode: "Immediate" } as V1StorageClass;
    expect(causes((errors) => validateStorageClass(given, errors))).toEqual([]);
    expect(causes((errors) => validateStorageClass({ ...given, allowVolumeExpansion: true }, errors))).toHaveLength(1);
  });
});

describe("a StatefulSet", () => {
  const setOf = (spec: object = {}) =>
    ({
      serviceName: "db",
      podManagementPolicy: "OrderedReady",
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
      selector: { matchLabels: { app: "db" } },
      template: {
        metadata: { labels: { app: "db" } },
        spec: {
          restartPolicy: "Always",
          containers: [{ name: "main", image: "a", imagePullPolicy: "Always", terminationMessagePolicy: "File" }],
        },
      },
      ...spec,
    }) as unknown as V1StatefulSetSpec;

  it.each([
    [{ podManagementPolicy: "Fast" }, `spec.podManagementPolicy: Invalid value: "Fast": must be 'OrderedReady' or 'Parallel'`],
    [{ selector: {} }, "spec.selector: Invalid value: {}: empty selector is invalid for statefulset"],
    [{ ordinals: { start: -1 } }, "spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0"],
    [
      { updateStrategy: { type: "OnDelete", rollingUpdate: { partition: 1 } } },
      `spec.updateStrategy.rollingUpdate: Invalid value: {"partition":1}: only allowed for updateStrategy 'RollingUpdate'`,
    ],
    [
      { persistentVolumeClaimRetentionPolicy: { whenScaled: "Keep" } },
      'spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "Keep": supported values: "Delete", "Retain"',
    ],
  ])("with %j is refused", (spec, expected) => {
    expect(causes((errors) => validateStatefulSet(setOf(spec), errors))).toEqual([expected]);
  });

  it("may mount the volumes of its claim templates, and no others", () => {
    const mounting = (name: string) => {
      const { template } = setOf();
      const [main] = template.spec?.containers ?? [];
      const containers = [{ ...main, volumeMounts: [{ name, mountPath: "/data" }] }];
      const volumeClaimTemplates = [{ metadata: { name: "data" }, spec: claimOf() }];
      const set = setOf({ volumeClaimTemplates, template: { ...template, spec: { ...template.spec, containers } } });
      return causes((errors) => validateStatefulSet(set, errors));
    };
    expect(mounting("data")).toEqual([]);
    expect(mounting("other")).toEqual([expect.stringMatching(/volumeMounts\[0\]\.name: Not found: "other"$/)]);
  });

  it("keeps what its pods were made with", () => {
    const update = (after: object) => causes((errors) => validateStatefulSetUpdate(setOf(after), setOf(), errors));
    expect(update({ replicas: 5, minReadySeconds: 3, ordinals: { start: 1 }, revisionHistoryLimit: 2 })).toEqual([]);
    expect(update({ serviceName: "other" })).toEqual([
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ]);
  });
});
