import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isReady, LocalNode, mainStatus, until } from "./test/local-node.ts";

const node = new LocalNode();
beforeAll(() => node.start());
afterAll(() => node.stop());

/** A shell that ends at once on SIGTERM, as PID 1 only does with a handler. */
const sh = (script: string) => ["sh", "-c", `trap 'exit 0' TERM; ${script}`];
const forever = "while :; do sleep 0.1; done";

describe("running a pod", () => {
  it("brings it to ready, with an address of the node, and keeps its output", async () => {
    await node.createPod("plain", { containers: [{ command: sh(`echo out; echo err >&2; ${forever}`) }] });
    const pod = await node.untilReady("plain");
    expect(pod.status).toMatchObject({ phase: "Running", hostIP: node.address, qosClass: "BestEffort" });
    expect(pod.status?.podIP).toMatch(/^127\.79\.[12]0\./);
    expect((await node.untilLog("plain", "err")).split("\n").sort()).toEqual(["", "err", "out"]);
    for (const reason of ["Pulled", "Created", "Started"]) await node.untilEvent(pod, (event) => event.reason === reason);
  });

  it("gives it variables, arguments and files as the manifest says", async () => {
    await node.create("configmaps", {
      kind: "ConfigMap",
      metadata: { name: "settings" },
      data: { level: "debug", "a.txt": "A" },
    });
    await node.create("secrets", { kind: "Secret", metadata: { name: "keys" }, stringData: { token: "s3cret" } });
    const hostFolder = join(node.folder, "host", "made");
    await node.createPod("files", {
      restartPolicy: "Never",
      securityContext: { runAsUser: 1000, runAsGroup: 1000, fsGroup: 2000 },
      containers: [
        {
          command: sh(
            [
              'echo "ip=$IP level=$LEVEL args=$0,$1"',
              'echo "config=$(cat /config/x/renamed) secret=$(cat /secret/token)"',
              "echo sub > /sub/file; echo shared > /scratch/file; echo host > /host/file; cat /both/inner/file",
              "id -u; (touch /readonly) 2>/dev/null || echo root-is-read-only; (touch /app/x) 2>/dev/null || echo app-is-read-only",
              "ls /app/package.json; ls -A /app/.git | wc -l; hostname; echo done",
            ].join("; "),
          ),
          args: ["$(IP)", "$$(IP)"],
          env: [
            { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
            { name: "LEVEL", valueFrom: { configMapKeyRef: { name: "settings", key: "level" } } },
          ],
          securityContext: { readOnlyRootFilesystem: true },
          volumeMounts: [
            { name: "config", mountPath: "/config" },
            { name: "secret", mountPath: "/secret", readOnly: true },
            { name: "scratch", mountPath: "/scratch" },
            { name: "scratch", mountPath: "/sub", subPath: "inner" },
            { name: "scratch", mountPath: "/both", readOnly: true },
            { name: "host", mountPath: "/host" },
          ],
        },
      ],
      volumes: [
        { name: "config", configMap: { name: "settings", items: [{ key: "a.txt", path: "x/renamed" }] } },
        { name: "secret", secret: { secretName: "keys", defaultMode: 0o400 } },
        { name: "scratch", emptyDir: {} },
        { name: "host", hostPath: { path: hostFolder, type: "DirectoryOrCreate" } },
      ],
    });
    const pod = await node.untilPod("files", ({ status }) => status?.phase === "Succeeded" || status?.phase === "Failed");
    const ip = pod.status?.podIP;
    const uid = process.getuid?.() === 0 ? 1000 : process.getuid?.();
    const lines = (await node.logs("files")).trim().split("\n");
    expect(lines).toEqual([
      `ip=${ip} level=debug args=${ip},$(IP)`,
      "config=A secret=s3cret",
      "sub",
      `${uid}`,
      "root-is-read-only",
      "app-is-read-only",
      "/app/package.json",
      "0",
      "files",
      "done",
    ]);
  });

  it("runs init containers first and shows them", async () => {
    await node.createPod("init", {
      initContainers: [
        {
          name: "one",
          image: "debian:12",
          command: sh("sleep 0.3; echo 1 > /v/f"),
          volumeMounts: [{ name: "v", mountPath: "/v" }],
        },
        { name: "two", image: "debian:12", command: sh("cat /v/f"), volumeMounts: [{ name: "v", mountPath: "/v" }] },
      ],
      containers: [{ command: sh(forever) }],
      volumes: [{ name: "v", emptyDir: {} }],
    });
    const early = await node.untilPod("init", ({ status }) => status?.initContainerStatuses?.[0]?.state.running);
    expect(mainStatus(early)?.state.waiting?.reason).toBe("PodInitializing");
    expect(early.status?.conditions?.find(({ type }) => type === "Initialized")?.status).toBe("False");
    const pod = await node.untilReady("init");
    expect(pod.status?.initContainerStatuses?.map(({ state }) => state.terminated?.reason)).toEqual(["Completed", "Completed"]);
  });

  it("ends Succeeded or Failed when it is never restarted", async () => {
    await node.createPod("good", { restartPolicy: "Never", containers: [{ command: sh("exit 0") }] });
    await node.createPod("bad", { restartPolicy: "Never", containers: [{ command: sh("kill -9 $$; exit 3") }] });
    await node.createPod("worse", { restartPolicy: "Never", containers: [{ command: sh("exit 3") }] });
    await node.untilPod("good", ({ status }) => status?.phase === "Succeeded");
    const pod = await node.untilPod("worse", ({ status }) => status?.phase === "Failed");
    expect(mainStatus(pod)?.state.terminated).toMatchObject({ exitCode: 3, reason: "Error" });
  });
});

describe("names", () => {
  it("of a Service made later resolve in a pod that already runs", async () => {
    await node.createPod("hosts", { containers: [{ command: sh(`while :; do grep -h late /etc/hosts; sleep 0.1; done`) }] });
    await node.untilReady("hosts");
    await node.create("services", { kind: "Service", metadata: { name: "late" }, spec: { ports: [{ port: 80 }] } });
    expect(await node.untilLog("hosts", "late")).toMatch(
      /^127\.11\.\d+\.\d+ late late\.default late\.default\.svc late\.default\.svc\.cluster\.local$/m,
    );
  });
});

describe("a pod that cannot run", () => {
  it("shows ErrImagePull, then ImagePullBackOff, for an unknown tag", async () => {
    const pod = await node.createPod("no-image", { containers: [{ image: "switchyard/relay:9.9.9", command: ["x"] }] });
    const states = new Set<string>();
    await node.untilPod("no-image", (current) => {
      const reason = mainStatus(current)?.state.waiting?.reason;
      if (reason) states.add(reason);
      return reason === "ImagePullBackOff";
    });
    expect([...states]).toContain("ErrImagePull");
    const failed = await node.untilEvent(pod, ({ message }) => message.startsWith("Failed to pull image"));
    expect(failed).toMatchObject({ type: "Warning", reason: "Failed" });
    expect(failed.message).toMatch(/^Failed to pull image "switchyard\/relay:9\.9\.9": .*not found$/);
    await node.untilEvent(pod, ({ message }) => message === 'Back-off pulling image "switchyard/relay:9.9.9"');
    expect((await node.getPod("no-image")).status?.phase).toBe("Pending");
  });

  it("waits for a missing ConfigMap in Kubernetes' words and starts when it is there", async () => {
    const env = [{ name: "X", valueFrom: { configMapKeyRef: { name: "later", key: "k" } } }];
    await node.createPod("config", { containers: [{ command: sh(`echo "got $X"; ${forever}`), env }] });
    const pod = await node.untilPod(
      "config",
      (current) => mainStatus(current)?.state.waiting?.reason === "CreateContainerConfigError",
    );
    expect(mainStatus(pod)?.state.waiting?.message).toBe('configmap "later" not found');
    await node.create("configmaps", { kind: "ConfigMap", metadata: { name: "later" }, data: { k: "it" } });
    await node.untilLog("config", "got it");
  });

  it("stays ContainerCreating with FailedMount for a missing Secret", async () => {
    const pod = await node.createPod("mount", {
      containers: [{ command: sh(forever) }],
      volumes: [{ name: "tls", secret: { secretName: "absent" } }],
    });
    const event = await node.untilEvent(pod, ({ reason }) => reason === "FailedMount");
    expect(event.message).toBe('MountVolume.SetUp failed for volume "tls" : secret "absent" not found');
    expect(mainStatus(await node.getPod("mount"))?.state.waiting?.reason).toBe("ContainerCreating");
  });

  it("goes into CrashLoopBackOff with its exit code, and its previous output stays", async () => {
    const pod = await node.createPod("crash", { containers: [{ command: sh("echo run; exit 7") }] });
    const looping = await node.untilPod("crash", (current) => mainStatus(current)?.state.waiting?.reason === "CrashLoopBackOff");
    expect(mainStatus(looping)).toMatchObject({
      ready: false,
      restartCount: 1,
      lastState: { terminated: { exitCode: 7, reason: "Error" } },
    });
    expect(mainStatus(looping)?.state.waiting?.message).toMatch(
      /^back-off 10s restarting failed container=main pod=crash_default/,
    );
    await node.untilEvent(pod, ({ reason, message }) => reason === "BackOff" && message.startsWith("Back-off restarting failed"));
    expect(await node.logs("crash", "previous=true")).toBe("run\n");
  });

  it("names a command that does not exist", async () => {
    await node.createPod("command", { containers: [{ command: ["no-such-program"] }] });
    const pod = await node.untilPod("command", (current) => mainStatus(current)?.lastState.terminated);
    expect(mainStatus(pod)?.lastState.terminated).toMatchObject({ exitCode: 128, reason: "StartError" });
    expect(mainStatus(pod)?.lastState.terminated?.message).toContain(
      'exec: "no-such-program": executable file not found in $PATH',
    );
  });
});

describe("a container beyond its memory limit", () => {
  it("is killed as OOMKilled and started again", async () => {
    const grow = "const kept=[];setInterval(()=>kept.push(Buffer.alloc(8<<20,1)),20)";
    const pod = await node.createPod("greedy", {
      containers: [
        {
          command: ["/app/node_modules/.bin/node", "-e", grow],
          resources: { limits: { memory: "200Mi" } },
        },
      ],
    });
    const killed = await node.untilPod("greedy", (current) => mainStatus(current)?.lastState.terminated);
    expect(mainStatus(killed)?.lastState.terminated).toMatchObject({ exitCode: 137, reason: "OOMKilled" });
    const event = await node.untilEvent(pod, ({ reason }) => reason === "OOMKilled");
    expect(event.message).toBe("Container main exceeded its memory limit of 200Mi");
    await node.deletePod("greedy");
  });
});

describe("probes", () => {
  it("take a pod out of ready and in again", async () => {
    const folder = join(node.folder, "probe");
    mkdirSync(folder);
    const pod = await node.createPod("readiness", {
      containers: [
        {
          command: sh(forever),
          readinessProbe: { exec: { command: ["test", "-e", "/probe/ready"] }, periodSeconds: 1, failureThreshold: 1 },
          volumeMounts: [{ name: "probe", mountPath: "/probe" }],
        },
      ],
      volumes: [{ name: "probe", hostPath: { path: folder } }],
    });
    const event = await node.untilEvent(pod, ({ reason }) => reason === "Unhealthy");
    expect(event.message).toMatch(/^Readiness probe failed/);
    expect(isReady(await node.getPod("readiness"))).toBe(false);
    writeFileSync(join(folder, "ready"), "");
    await node.untilReady("readiness");
  });

  it("by HTTP connect to the pod's address and read the status code", async () => {
    const script =
      "let n=0;require('http').createServer((q,r)=>{n++;r.statusCode=n<3?503:200;r.end()}).listen(8080,process.env.IP);process.on('SIGTERM',()=>process.exit())";
    const pod = await node.createPod("http", {
      containers: [
        {
          command: ["/app/node_modules/.bin/node", "-e", script],
          env: [{ name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }],
          ports: [{ name: "web", containerPort: 8080 }],
          readinessProbe: { httpGet: { path: "/ready", port: "web" }, periodSeconds: 1 },
        },
      ],
    });
    await node.untilEvent(pod, ({ message }) => message === "Readiness probe failed: HTTP probe failed with statuscode: 503");
    await node.untilReady("http");
  });

  it("restart a container that is not alive", async () => {
    const pod = await node.createPod("liveness", {
      containers: [
        {
          command: sh(`echo started; ${forever}`),
          livenessProbe: { tcpSocket: { port: 1 }, periodSeconds: 1, failureThreshold: 2 },
        },
      ],
    });
    await node.untilEvent(pod, ({ message }) => message === "Container main failed liveness probe, will be restarted");
    await node.untilPod("liveness", (current) => (mainStatus(current)?.restartCount ?? 0) >= 1);
  });
});

describe("the kubelet's server", () => {
  it("wants the token for everything but its health", async () => {
    expect((await node.fetchKubelet("/healthz", "wrong")).status).toBe(200);
    expect((await node.fetchKubelet("/containerLogs/default/plain/main", "wrong")).status).toBe(401);
    expect((await node.fetchKubelet("/metrics/cadvisor", "wrong")).status).toBe(401);
  });

  it("follows a log until the container ends", async () => {
    const script = "for i in 1 2 3 4 5; do echo line $i; sleep 0.1; done";
    await node.createPod("follow", { restartPolicy: "Never", containers: [{ command: sh(script) }] });
    await node.untilLog("follow", "line 1");
    expect(await node.logs("follow", "follow=true")).toBe("line 1\nline 2\nline 3\nline 4\nline 5\n");
    expect(await node.logs("follow", "tailLines=2")).toBe("line 4\nline 5\n");
    expect(await node.logs("follow", "timestamps=true&tailLines=1")).toMatch(/^\d{4}-\d\d-\d\dT[\d:]+\.\d{9}Z line 5\n$/);
  });

  it("measures containers under cAdvisor's names", async () => {
    const labels = 'container="main",id="[^"]+",image="debian:12",name="[0-9a-f]{64}",namespace="default",pod="plain"';
    const body = await until("a sample of the pod", async () => {
      const { body } = await node.fetchKubelet("/metrics/cadvisor");
      return body.includes('pod="plain"') && body;
    });
    expect(Number(body.match(`container_memory_working_set_bytes{${labels}} (\\d+)`)?.[1])).toBeGreaterThan(100_000);
    expect(body).toMatch(new RegExp(`container_cpu_usage_seconds_total{${labels}} [0-9.]+`));
  });

  it("summarises the node and its pods for metrics servers", async () => {
    type Stats = { cpu: { usageNanoCores?: number; usageCoreNanoSeconds: number }; memory: { workingSetBytes: number } };
    type Summary = { node: Stats & { nodeName: string }; pods: { podRef: { name: string }; containers: Stats[] }[] };
    const summary = await until("two samples", async () => {
      const answer = JSON.parse((await node.fetchKubelet("/stats/summary")).body) as Summary;
      const plain = answer.pods.find(({ podRef }) => podRef.name === "plain");
      return plain?.containers[0]?.cpu.usageNanoCores !== undefined && { ...answer, plain };
    });
    expect(summary.node.nodeName).toBe("node-1");
    expect(summary.node.cpu.usageNanoCores).toBeGreaterThan(0);
    expect(summary.node.memory.workingSetBytes).toBeGreaterThan(summary.plain.containers[0]?.memory.workingSetBytes ?? 0);
  });
});
