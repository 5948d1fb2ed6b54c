import { describe, expect, it } from "vitest";
import { auditChanges, auditMessage } from "./audit-changes.ts";

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
  it("of an action show what was meant; what it does not name stayed", () => {
    const before = { replicas: 3, version: "2.0.0", images: { relay: "relay:2.0.0" } };
    const after = { intended: { version: "2.1.0", images: { relay: "relay:2.1.0" } }, message: "Under way.", generation: 4 };
    expect(auditChanges(before, after).map(({ field, after, differs }) => [field, after, differs])).toEqual([
      ["version", "2.1.0", true],
      ["images.relay", "relay:2.1.0", true],
      ["replicas", "3", false],
    ]);
    expect(auditMessage(after)).toBe("Under way.");
    expect(auditMessage(null)).toBeNull();
  });

  it("of a stale request show what had changed", () => {
    expect(auditChanges({ replicas: 4 }, { changed: [{ field: "replicas", seen: "3", now: "4" }] })).toEqual([
      { field: "replicas", before: "3", after: "4", differs: true },
    ]);
  });

  it("are nothing when both are nothing", () => {
    expect(auditChanges(null, undefined)).toEqual([]);
  });
});
