import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import { resources, StatusError } from "../api.ts";
import { MemoryCluster } from "../controllers/test/memory-cluster.ts";
import { type AuditEvent, AuditLog } from "./audit-log.ts";
import { auditedCluster } from "./audited-cluster.ts";

let directory: string;
const logger = createLogger("test", "silent");

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "switchyard-audit-"));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

function event(auditID: string): AuditEvent {
  return {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "Metadata",
    auditID,
    stage: "ResponseComplete",
    requestURI: "/api/v1/namespaces/a/pods",
    verb: "create",
    user: { username: "anna" },
    responseStatus: { metadata: {}, code: 201 },
    requestReceivedTimestamp: "",
    stageTimestamp: "",
  };
}

async function lines(file = "audit.log"): Promise<AuditEvent[]> {
  return (await readFile(join(directory, file), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

describe("the audit log", () => {
  it("keeps events in order, one a line, for its owner alone, and goes on where it was", async () => {
    for (const batch of [["1", "2"], ["3"]]) {
      const log = new AuditLog({ directory, logger });
      for (const id of batch) log.append(event(id));
      await log.stop();
    }
    expect((await lines()).map(({ auditID }) => auditID)).toEqual(["1", "2", "3"]);
    expect((await stat(join(directory, "audit.log"))).mode & 0o777).toBe(0o600);
  });

  it("puts files aside by size and keeps some of them", async () => {
    for (let index = 0; index < 6; index += 1) {
      const log = new AuditLog({ directory, logger, maxBytes: 300, keptFiles: 2 });
      log.append(event(String(index)));
      await log.stop();
    }
    expect((await readdir(directory)).sort()).toEqual(["audit.log", "audit.log.1", "audit.log.2"]);
    expect((await lines())[0]?.auditID).toBe("5");
    expect((await lines("audit.log.1"))[0]?.auditID).toBe("4");
  });

  it("loses events rather than memory when the disk is too slow", async () => {
    const log = new AuditLog({ directory, logger, maxWaitingBytes: 1_000 });
    for (let index = 0; index < 100; index += 1) log.append(event(String(index)));
    await log.stop();
    expect((await lines()).length).toBeLessThan(10);
  });

  it("tells what the controllers write, and what was refused to them, but not their heartbeats", async () => {
    const log = new AuditLog({ directory, logger });
    const cluster = auditedCluster(new MemoryCluster({ now: () => new Date(0) }), log, "system:kube-controller-manager");
    const metadata = { name: "x", namespace: "a" };
    const map = await cluster.create(resources.configMaps, { apiVersion: "v1", kind: "ConfigMap", metadata });
    await cluster.create(resources.events, { apiVersion: "v1", kind: "Event", metadata });
    await cluster.update(resources.configMaps, { ...map, data: { secret: "value" } });
    await expect(cluster.delete(resources.configMaps, "a", "missing")).rejects.toBeInstanceOf(StatusError);
    await log.stop();
    const seen = (await lines()).map(({ verb, objectRef, responseStatus }) => [verb, objectRef?.name, responseStatus.code]);
    expect(seen).toEqual([
      ["create", "x", 201],
      ["update", "x", 200],
      ["delete", "missing", 404],
    ]);
    expect(await readFile(join(directory, "audit.log"), "utf8")).not.toContain("value");
  });
});
