import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isReady, LocalNode, mainStatus, processesWith, until } from "./test/local-node.ts";

const node = new LocalNode();
beforeAll(() => node.start());
afterAll(() => node.stop());

/** A shell that ends at once on SIGTERM, as PID 1 only does with a handler. */
const sh = (script: string) => ["sh", "-c", `trap 'exit 0' TERM; ${script}`];
const forever = "while :; do sleep 0.1; done";

describe("deleting a pod", () => {
  it("runs preStop, sends SIGTERM, and removes the object when the process has ended", async () => {
    const folder = join(node.folder, "stop");
    mkdirSync(folder, { mode: 0o777 });
    await node.createPod("graceful", {
      terminationGracePeriodSeconds: 10,
      containers: [
        {
          command: ["sh", "-c", `trap 'echo term >> /out/steps; sleep 0.5; echo end >> /out/steps; exit 0' TERM; ${forever}`],
          lifecycle: { preStop: { exec: { command: ["sh", "-c", "echo hook >> /out/steps"] } } },
          volumeMounts: [{ name: "out", mountPath: "/out" }],
        },
      ],
      volumes: [{ name: "out", hostPath: { path: folder } }],
    });
    const pod = await node.untilReady("graceful");
    await node.deletePod("graceful");
    await node.untilEvent(pod, ({ reason, message }) => reason === "Killing" && message === "Stopping container main");
    expect((await node.getPod("graceful")).metadata.deletionTimestamp).toBeDefined();
    await node.untilGone("graceful");
    expect(readFileSync(join(folder, "steps"), "utf8")).toBe("hook\nterm\nend\n");
  });

  it("kills a process that ignores SIGTERM when the grace is over, with all its children", async () => {
    const mark = `stubborn-${process.pid}`;
    const script = `trap '' TERM; (while :; do sleep 0.1; done; : ${mark}) & while :; do sleep 0.1; done; : ${mark}`;
    await node.createPod("stubborn", { terminationGracePeriodSeconds: 1, containers: [{ command: ["sh", "-c", script] }] });
    await node.untilReady("stubborn");
    await until("both of its processes", () => processesWith(mark).length > 1);
    const began = performance.now();
    await node.deletePod("stubborn");
    await node.untilGone("stubborn");
    expect(performance.now() - began).toBeGreaterThan(900);
    expect(processesWith(mark)).toEqual([]);
  });

  it("frees nothing while it is forced: the process is ended all the same", async () => {
    const mark = `forced-${process.pid}`;
    await node.createPod("forced", { containers: [{ command: sh(`${forever}; : ${mark}`) }] });
    await node.untilReady("forced");
    await node.deletePod("forced", 0);
    await node.untilGone("forced");
    await until("the end of its processes", () => processesWith(mark).length === 0);
  });

  it("gives no word to a process that is deleted without grace, whatever its pod has", async () => {
    const folder = join(node.folder, "unwarned");
    mkdirSync(folder);
    const mark = `unwarned-${process.pid}`;
    const script = `trap 'touch /unwarned/told; exit' TERM; while :; do sleep 0.1; done; : ${mark}`;
    await node.createPod("unwarned", {
      terminationGracePeriodSeconds: 60,
      containers: [{ command: ["sh", "-c", script], volumeMounts: [{ name: "unwarned", mountPath: "/unwarned" }] }],
      volumes: [{ name: "unwarned", hostPath: { path: folder } }],
    });
    await node.untilReady("unwarned");
    await until("its process", () => processesWith(mark).length > 0);
    const began = performance.now();
    await node.deletePod("unwarned", 0);
    await until("the end of its processes", () => processesWith(mark).length === 0);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(existsSync(join(folder, "told"))).toBe(false);
  });
});

describe("while the API server is away", () => {
  it("pods go on, restarts included, and their status is told when it is back", async () => {
    const folder = join(node.folder, "away");
    mkdirSync(folder);
    const mark = `offline-${process.pid}`;
    await node.createPod("offline", {
      containers: [
        {
          command: sh(`until [ -e /away/fail ]; do sleep 0.1; done; rm /away/fail; exit 5; : ${mark}`),
          volumeMounts: [{ name: "away", mountPath: "/away" }],
        },
      ],
      volumes: [{ name: "away", hostPath: { path: folder } }],
    });
    await node.untilReady("offline");
    await node.killServer();
    writeFileSync(join(folder, "fail"), "", { mode: 0o666 });
    await until("the container to end", () => !existsSync(join(folder, "fail")));
    await node.startServer();
    const pod = await node.untilPod("offline", (current) => mainStatus(current)?.restartCount === 1 && isReady(current));
    expect(mainStatus(pod)?.lastState.terminated?.exitCode).toBe(5);
    await node.deletePod("offline");
    await node.untilGone("offline");
  });
});

describe("a kubelet that ends", () => {
  it("by kill -9 takes its containers with it, and the next one starts each of them once, at the same address", async () => {
    const mark = `survivor-${process.pid}`;
    await node.createPod("survivor", { containers: [{ command: sh(`${forever}; : ${mark}`) }] });
    const before = await node.untilReady("survivor");
    await node.endKubelet("SIGKILL");
    await until("the end of its containers", () => processesWith(mark).length === 0);
    await node.startKubelet();
    const after = await node.untilPod("survivor", (pod) => isReady(pod) && mainStatus(pod)?.restartCount === 1);
    expect(after.status?.podIP).toBe(before.status?.podIP);
    expect(mainStatus(after)?.lastState.terminated).toMatchObject({ exitCode: 255, reason: "Unknown" });
    // The supervisor and the shell: one container.
    expect(processesWith(mark)).toHaveLength(2);
  });

  it("by SIGTERM leaves no process behind", async () => {
    const mark = `survivor-${process.pid}`;
    expect(processesWith(mark)).not.toEqual([]);
    await node.endKubelet("SIGTERM");
    expect(processesWith(mark)).toEqual([]);
    expect(processesWith(join(node.folder, "nodes"))).toEqual([]);
  });
});
