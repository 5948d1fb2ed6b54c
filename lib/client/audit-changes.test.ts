import { describe, expect, it } from "vitest";
import { auditChanges } from "./audit-changes.ts";

describe("before and after of an audit entry", () => {
  it("are compared field by field, the different ones first", () => {
    expect(auditChanges({ paused: false, replicas: 3 }, { paused: false, replicas: 5 })).toEqual([
      { field: "replicas", before: "3", after: "5", differs: true },
      { field: "paused", before: "false", after: "false", differs: false },
    ]);
  });
  it("show what one side lacks, and nested fields by their path", () => {
    expect(auditChanges(null, { image: { relay: "relay:2" } })).toEqual([
      { field: "image.relay", before: null, after: "relay:2", differs: true },
    ]);
  });
  it("are nothing when both are nothing", () => {
    expect(auditChanges(null, undefined)).toEqual([]);
  });
});
