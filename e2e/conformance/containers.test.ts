import type { ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import {
  CoreV1Api,
  type CoreV1Event,
  Exec,
  type V1Container,
  type V1Pod,
  type V1PodSpec,
  type V1Status,
} from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { end, eventually, startKubelet, startTestCluster, type TestCluster } from "./harness.ts";
import { findKubectls, type Kubectl, KubectlSession } from "./kubectl.ts";

const forever = "trap 'exit 0' TERM; while :; do sleep 0.1 & wait $!; done";
const sh = (script: string) => ["/bin/sh", "-c", script];
const field = (fieldPath: string) => ({ valueFrom: { fieldRef: { fieldPath } } });

let cluster: TestCluster;
let imagesDir: string;
let kubelet: ChildProcess | undefined;

beforeAll(async () => {
  cluster = await startTestCluster();
  imagesDir = await mkdtemp(join(tmpdir(), "switchyard-images-"));
  const tags = { "1": { env: { VERSION: "1" } }, "2": { env: { VERSION: "2" } } };
  await writeFile(join(imagesDir, "shell.json"), JSON.stringify({ name: "demo/shell", command: ["/bin/sh"], tags }));
  kubelet = startKubelet(cluster, "node-1", imagesDir);
});

afterAll(async () => {
  if (kubelet) await end(kubelet, "SIGTERM");
  await cluster?.stop();
  if (imagesDir) await rm(imagesDir, { recursive: true, force: true });
});

type PodOptions = Partial<V1PodSpec> & { main?: Partial<V1Container> };

function pod(name: string, script: string, { main, ...spec }: PodOptions = {}): V1Pod {
  const container = { name: "main", image: "demo/shell:1", command: sh(script), ...main };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: name } },
    spec: { terminationGracePeriodSeconds: 2, restartPolicy: "Never", containers: [container], ...spec },
  };
}

const serve = "require('http').createServer((q,r)=>r.end('ok')).listen(8080,process.env.POD_IP)";
const grow = "const kept=[];setInterval(()=>kept.push(Buffer.alloc(8<<20,1)),20)";
const node = (script: string) => ({
  command: ["/app/node_modules/.bin/node", "-e", script],
  env: [{ name: "POD_IP", ...field("status.podIP") }],
});
const always = { restartPolicy: "Always" } as const;

/** Everything that the cases look at, made at once: each case then waits for its own pods only. */
const objects = [
  { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { LEVEL: "debug", "app.conf": "one" } },
  { apiVersion: "v1", kind: "Secret", metadata: { name: "keys" }, stringData: { TOKEN: "s3cret" } },
  {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "data" },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
  },
  pod("shell", `echo version $VERSION; echo oops >&2; ${forever}`, {
    ...always,
    main: { workingDir: "/work", env: [{ name: "COLOUR", value: "green" }] },
  }),
  pod("variables", "env; exit 0", {
    main: {
      env: [
        { name: "NODE", ...field("spec.nodeName") },
        { name: "LABEL", ...field("metadata.labels['app']") },
        { name: "LIMIT", valueFrom: { resourceFieldRef: { resource: "limits.memory", divisor: "1Mi" } } },
        { name: "KEY", valueFrom: { secretKeyRef: { name: "keys", key: "TOKEN" } } },
        { name: "MISSING", valueFrom: { configMapKeyRef: { name: "absent", key: "x", optional: true } } },
        { name: "JOINED", value: "$(NODE)/$(KEY)/$$(KEY)" },
      ],
      envFrom: [{ prefix: "CFG_", configMapRef: { name: "settings" } }],
      resources: { limits: { memory: "96Mi" } },
    },
  }),
  pod(
    "files",
    `cat /all/app.conf /all/token /all/labels; stat -Lc %a /secret/TOKEN; (echo x > /all/y) 2>&1 | grep -o 'Read-only file system'; cat /one; exit 0`,
    {
      main: {
        volumeMounts: [
          { name: "all", mountPath: "/all" },
          { name: "secret", mountPath: "/secret" },
          { name: "settings", mountPath: "/one", subPath: "LEVEL" },
        ],
      },
      volumes: [
        {
          name: "all",
          projected: {
            sources: [
              { configMap: { name: "settings", items: [{ key: "app.conf", path: "app.conf" }] } },
              { secret: { name: "keys", items: [{ key: "TOKEN", path: "token" }] } },
              { downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
            ],
          },
        },
        { name: "secret", secret: { secretName: "keys", defaultMode: 0o400 } },
        { name: "settings", configMap: { name: "settings" } },
      ],
    },
  ),
  pod("missing-config", "exit 0", { main: { envFrom: [{ configMapRef: { name: "absent" } }] } }),
  pod("missing-volume", "exit 0", {
    main: { volumeMounts: [{ name: "v", mountPath: "/v" }] },
    volumes: [{ name: "v", configMap: { name: "absent" } }],
  }),
  pod("unbound", "exit 0", {
    main: { volumeMounts: [{ name: "v", mountPath: "/v" }] },
    volumes: [{ name: "v", persistentVolumeClaim: { claimName: "absent" } }],
  }),
  pod("claims", "echo kept > /data/file; cat /data/file; exit 0", {
    main: { volumeMounts: [{ name: "data", mountPath: "/data" }] },
    volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }],
  }),
  pod("succeeds", "exit 0"),
  pod("fails", "echo 'no more disk' > /dev/termination-log; exit 3"),
  pod("retries", "[ -e /v/again ] && exit 0; touch /v/again; exit 1", {
    restartPolicy: "OnFailure",
    main: { volumeMounts: [{ name: "v", mountPath: "/v" }] },
    volumes: [{ name: "v", emptyDir: {} }],
  }),
  pod("crashes", "echo run; exit 7", always),
  pod("deadline", forever, { activeDeadlineSeconds: 2 }),
  pod("greedy", "", { main: { ...node(grow), resources: { limits: { memory: "160Mi" } } } }),
  pod("initialised", "cat /v/steps; exit 0", {
    initContainers: ["one", "two"].map((step) => ({
      name: step,
      image: "demo/shell:1",
      command: sh(`echo ${step} >> /v/steps`),
      volumeMounts: [{ name: "v", mountPath: "/v" }],
    })),
    main: { volumeMounts: [{ name: "v", mountPath: "/v" }] },
    volumes: [{ name: "v", emptyDir: {} }],
  }),
  pod("sidecar", "until [ -e /v/up ]; do sleep 0.1; done; echo with sidecar; exit 0", {
    initContainers: [
      {
        name: "beside",
        image: "demo/shell:1",
        restartPolicy: "Always",
        command: sh(`touch /v/up; ${forever}`),
        startupProbe: { exec: { command: ["test", "-e", "/v/up"] }, periodSeconds: 1 },
        volumeMounts: [{ name: "v", mountPath: "/v" }],
      },
    ],
    main: { volumeMounts: [{ name: "v", mountPath: "/v" }] },
    volumes: [{ name: "v", emptyDir: {} }],
  }),
  pod("http-ready", "", {
    ...always,
    main: {
      ...node(serve),
      ports: [{ name: "web", containerPort: 8080 }],
      readinessProbe: { httpGet: { port: "web" }, periodSeconds: 1 },
    },
  }),
  pod("never-ready", forever, {
    ...always,
    main: { readinessProbe: { tcpSocket: { port: 1 }, periodSeconds: 1 } },
  }),
  pod("not-alive", forever, {
    ...always,
    main: {
      livenessProbe: { exec: { command: ["false"] }, periodSeconds: 1, failureThreshold: 2, terminationGracePeriodSeconds: 1 },
    },
  }),
  pod("slow-start", forever, {
    ...always,
    main: {
      startupProbe: { exec: { command: ["test", "-e", "/tmp/never"] }, periodSeconds: 1, failureThreshold: 60 },
      livenessProbe: { exec: { command: ["false"] }, periodSeconds: 1, failureThreshold: 1 },
    },
  }),
  pod("hooks", `trap 'echo term; exit 0' TERM; while :; do sleep 0.1 & wait $!; done`, {
    ...always,
    terminationGracePeriodSeconds: 10,
    main: {
      lifecycle: {
        postStart: { exec: { command: sh("echo started by hook > /proc/1/fd/1") } },
        preStop: { exec: { command: sh("echo stopped by hook > /proc/1/fd/1") } },
      },
    },
  }),
  pod("privileged", forever, { main: { securityContext: { privileged: true } } }),
  pod("bad-hook", forever, { ...always, main: { lifecycle: { postStart: { exec: { command: ["false"] } } } } }),
];
const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });

const kubectls = findKubectls();
/** What a kubelet does is the same for every kubectl: one is enough for all cases but those of the protocol between them. */
const [newest] = kubectls.toSorted((one, other) => other.minor - one.minor);

describe.each(newest ? [newest] : [])("containers under kubectl $version", (kubectl: Kubectl) => {
  const namespace = `containers-${kubectl.minor}`;
  let k: KubectlSession;
  const read = (name: string) => k.json<V1Pod>(["get", "pod", name]);
  const main = (current: V1Pod) => current.status?.containerStatuses?.[0];
  const until = (name: string, wanted: (current: V1Pod) => unknown, what: string) =>
    eventually(
      async () => {
        const current = await read(name);
        return wanted(current) ? current : undefined;
      },
      `${name} ${what}`,
      40_000,
    );
  const untilPhase = (name: string, phase: string) => until(name, ({ status }) => status?.phase === phase, `is ${phase}`);
  const events = async (name: string) =>
    (await k.json<{ items: CoreV1Event[] }>(["get", "events", "--field-selector", `involvedObject.name=${name}`])).items;
  const untilEvent = (name: string, text: string | RegExp) =>
    eventually(async () => (await events(name)).find(({ message }) => message?.match(text)), `event ${text} of ${name}`);

  beforeAll(async () => {
    k = new KubectlSession(kubectl, cluster.kubeconfigPath, namespace);
    await k.run(["create", "namespace", namespace]);
    const isReady = async () => / Ready /.test(await k.run(["get", "nodes", "--no-headers"]));
    await eventually(isReady, "the node is ready", 60_000);
    await k.run(["create", "-f", "-"], list);
  });
  afterAll(() => k.run(["delete", "namespace", namespace, "--wait=false"]));

  it("gives variables from fields, resources, ConfigMaps and Secrets, with references expanded", async () => {
    await untilPhase("variables", "Succeeded");
    const lines = (await k.run(["logs", "variables"])).split("\n");
    expect(lines).toEqual(
      expect.arrayContaining([
        "NODE=node-1",
        "LABEL=variables",
        "LIMIT=96",
        "KEY=s3cret",
        "CFG_LEVEL=debug",
        "JOINED=node-1/s3cret/$(KEY)",
      ]),
    );
    expect(lines.some((line) => line.startsWith("MISSING="))).toBe(false);
    expect(lines.some((line) => /^KUBERNETES_SERVICE_HOST=127\./.test(line))).toBe(true);
  });

  it("mounts projected volumes, modes of Secrets, single keys, and all of them read-only", async () => {
    await untilPhase("files", "Succeeded");
    expect(await k.run(["logs", "files"])).toBe('ones3cretapp="files"400\nRead-only file system\ndebug\n');
  });

  it("says CreateContainerConfigError for a ConfigMap that is not there", async () => {
    const waiting = await until("missing-config", (current) => main(current)?.state?.waiting?.message, "waits");
    expect(main(waiting)?.state?.waiting).toEqual({
      reason: "CreateContainerConfigError",
      message: 'configmap "absent" not found',
    });
    expect(await k.run(["get", "pod", "missing-config", "--no-headers"])).toMatch(/0\/1\s+CreateContainerConfigError/);
  });

  it("keeps a pod ContainerCreating, with FailedMount, while a volume cannot be had", async () => {
    const event = await untilEvent("missing-volume", "MountVolume.SetUp failed");
    expect(event).toMatchObject({ type: "Warning", reason: "FailedMount" });
    expect(event.message).toBe('MountVolume.SetUp failed for volume "v" : configmap "absent" not found');
    await untilEvent("unbound", /persistentvolumeclaim "absent" not found/);
    expect(await k.run(["get", "pod", "unbound", "--no-headers"])).toMatch(/0\/1\s+(ContainerCreating|Pending)/);
  });

  it("mounts what a PersistentVolumeClaim is bound to", async () => {
    await untilPhase("claims", "Succeeded");
    expect(await k.run(["logs", "claims"])).toBe("kept\n");
  });

  it("ends pods Succeeded or Failed, and shows exit code and last words", async () => {
    await untilPhase("succeeds", "Succeeded");
    expect(await k.run(["get", "pod", "succeeds", "--no-headers"])).toMatch(/0\/1\s+Completed\s+0/);
    const failed = await untilPhase("fails", "Failed");
    expect(main(failed)?.state?.terminated).toMatchObject({ exitCode: 3, reason: "Error", message: "no more disk\n" });
    expect(await k.run(["describe", "pod", "fails"])).toMatch(/Message:\s+no more disk/);
  });

  it("restarts OnFailure until the container succeeds", async () => {
    expect(main(await untilPhase("retries", "Succeeded"))?.restartCount).toBe(1);
  });

  it("backs off from a container that crashes", async () => {
    const looping = await until(
      "crashes",
      (current) => main(current)?.state?.waiting?.reason === "CrashLoopBackOff",
      "backs off",
    );
    expect(main(looping)?.state?.waiting?.message).toMatch(/^back-off 10s restarting failed container=main pod=crashes_/);
    expect(main(looping)?.lastState?.terminated?.exitCode).toBe(7);
    expect(await k.run(["logs", "crashes", "--previous"])).toBe("run\n");
    await untilEvent("crashes", "Back-off restarting failed container main in pod crashes_");
  });

  it("fails a pod that is active longer than activeDeadlineSeconds", async () => {
    const failed = await untilPhase("deadline", "Failed");
    expect(failed.status).toMatchObject({
      reason: "DeadlineExceeded",
      message: "Pod was active on the node longer than the specified deadline",
    });
  });

  it("kills a container beyond its memory limit as OOMKilled, 137", async () => {
    const killed = await untilPhase("greedy", "Failed");
    expect(main(killed)?.state?.terminated).toMatchObject({ reason: "OOMKilled", exitCode: 137 });
    expect(await k.run(["get", "pod", "greedy", "--no-headers"])).toMatch(/0\/1\s+OOMKilled/);
  });

  it("runs init containers in order before the others", async () => {
    const done = await untilPhase("initialised", "Succeeded");
    expect(await k.run(["logs", "initialised", "-c", "main"])).toBe("one\ntwo\n");
    expect(done.status?.initContainerStatuses?.map(({ state }) => state?.terminated?.reason)).toEqual(["Completed", "Completed"]);
  });

  it("runs a sidecar beside the others once it has started, and ends it after them", async () => {
    const done = await untilPhase("sidecar", "Succeeded");
    expect(await k.run(["logs", "sidecar", "-c", "main"])).toBe("with sidecar\n");
    expect(done.status?.initContainerStatuses?.[0]).toMatchObject({
      name: "beside",
      restartCount: 0,
      state: { terminated: { exitCode: 0 } },
    });
  });

  it("makes a pod ready by HTTP on a named port, and keeps one unready whose port is closed", async () => {
    await k.run(["wait", "--for=condition=Ready", "pod/http-ready", "--timeout=40s"]);
    const event = await untilEvent("never-ready", "Readiness probe failed: dial tcp");
    expect(event).toMatchObject({ type: "Warning", reason: "Unhealthy" });
    expect(event.message).toMatch(/connect: connection refused$/);
    expect(await k.run(["get", "pod", "never-ready", "--no-headers"])).toMatch(/0\/1\s+Running\s+0/);
  });

  it("restarts a container whose liveness probe fails as often as its threshold says", async () => {
    await untilEvent("not-alive", "Container main failed liveness probe, will be restarted");
    await until("not-alive", (current) => (main(current)?.restartCount ?? 0) >= 1, "is restarted");
  });

  it("holds liveness back until the startup probe has succeeded", async () => {
    await untilEvent("slow-start", "Startup probe failed");
    const current = await read("slow-start");
    expect(main(current)).toMatchObject({ started: false, ready: false, restartCount: 0 });
    expect((await events("slow-start")).some(({ message }) => message?.startsWith("Liveness"))).toBe(false);
  });

  it("runs postStart, and preStop before SIGTERM", async () => {
    await eventually(async () => (await k.run(["logs", "hooks"])).includes("started by hook"), "postStart");
    const follow = k.follow(["logs", "-f", "hooks"]);
    await eventually(async () => follow.lines.length > 0, "the log is open");
    await k.run(["delete", "pod", "hooks"]);
    await eventually(async () => follow.lines.includes("term"), "SIGTERM");
    follow.stop();
    expect(follow.lines).toEqual(["started by hook", "stopped by hook", "term"]);
  });

  it("ends a container whose postStart hook fails", async () => {
    const event = await untilEvent("bad-hook", "PostStartHook failed");
    expect(event).toMatchObject({ type: "Warning", reason: "FailedPostStartHook" });
  });

  it("starts a container anew, with another image, when its pod's image is changed", async () => {
    await until("shell", (current) => main(current)?.ready, "is ready");
    await k.run(["set", "image", "pod/shell", "main=demo/shell:2"]);
    const changed = await until("shell", (current) => main(current)?.restartCount === 1 && main(current)?.ready, "is renewed");
    expect(main(changed)).toMatchObject({ image: "demo/shell:2", imageID: "catalogue://demo/shell:2" });
    await untilEvent("shell", "Container main definition changed, will be restarted");
    await eventually(async () => (await k.run(["logs", "shell"])).includes("version 2"), "its log");
  });

  it("gives containers a token, the authority and the namespace, and the token opens the API", async () => {
    await until("shell", (current) => main(current)?.ready, "is ready");
    const folder = "/var/run/secrets/kubernetes.io/serviceaccount";
    expect(await k.run(["exec", "shell", "--", "cat", `${folder}/namespace`])).toBe(namespace);
    expect(await k.run(["exec", "shell", "--", "cat", `${folder}/ca.crt`])).toContain("BEGIN CERTIFICATE");
    const token = await k.run(["exec", "shell", "--", "cat", `${folder}/token`]);
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;
    expect(claims).toMatchObject({
      sub: `system:serviceaccount:${namespace}:default`,
      "kubernetes.io": { namespace, pod: { name: "shell" }, serviceaccount: { name: "default" } },
    });
  });

  it("runs commands in a container with its directory, variables and exit codes", async () => {
    await until("shell", (current) => main(current)?.ready, "is ready");
    expect(await k.run(["exec", "shell", "--", ...sh('echo "$COLOUR"; pwd; hostname')])).toBe("green\n/work\nshell\n");
    expect(await k.run(["exec", "-i", "shell", "--", "tr", "a-z", "A-Z"], "to capitals")).toBe("TO CAPITALS");
    const failed = await k.try(["exec", "shell", "--", ...sh("echo oops >&2; exit 42")]);
    expect(failed).toMatchObject({ code: 42, stderr: expect.stringContaining("oops") });
    expect(await k.refusal(["exec", "shell", "--", "no-such-program"])).toContain("executable file not found in $PATH");
    expect(await k.refusal(["exec", "shell", "-c", "absent", "--", "true"])).toMatch(/absent/);
  });

  it("copies files into a container and out of it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "switchyard-copy-"));
    try {
      await writeFile(join(folder, "in.txt"), "there and back");
      await k.run(["cp", join(folder, "in.txt"), "shell:/work/in.txt"]);
      expect(await k.run(["exec", "shell", "--", "cat", "/work/in.txt"])).toBe("there and back");
      await k.run(["cp", "shell:/work/in.txt", join(folder, "out.txt")]);
      expect(await readFile(join(folder, "out.txt"), "utf8")).toBe("there and back");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("says which field of a pod it cannot honour, and fails the pod for it", async () => {
    const failed = await untilPhase("privileged", "Failed");
    expect(failed.status).toMatchObject({
      reason: "PodFeatureUnsupported",
      message: "The local cluster cannot run a pod with containers[main].securityContext.privileged",
    });
  });

  it("cuts logs by lines, bytes and age", async () => {
    await eventually(async () => (await k.run(["logs", "shell"])).includes("oops"), "both lines");
    expect((await k.run(["logs", "shell", "--tail=1"])).split("\n")).toHaveLength(2);
    expect(await k.run(["logs", "shell", "--limit-bytes=7"])).toHaveLength(7);
    expect(await k.run(["logs", "shell", "--since-time=2999-01-01T00:00:00Z"])).toBe("");
    expect(await k.run(["logs", "shell", "--since=1h"])).toContain("version");
  });

  it.each(kubectls.filter(({ minor }) => minor < 30))("tells kubectl $version which one can run commands", async (old) => {
    const session = new KubectlSession(old, cluster.kubeconfigPath, namespace);
    expect(await session.refusal(["exec", "shell", "--", "true"])).toMatch(/kubectl 1\.31/);
  });
});

describe("containers under the client library", () => {
  const namespace = "containers-client";
  let api: CoreV1Api;
  let exec: Exec;

  async function run(
    command: string[],
    { input = "", tty = false } = {},
  ): Promise<{ stdout: string; stderr: string; status: V1Status }> {
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    const stdin = new PassThrough();
    const text = { stdout: "", stderr: "" };
    stdout.on("data", (part: Buffer) => {
      text.stdout += part;
    });
    stderr.on("data", (part: Buffer) => {
      text.stderr += part;
    });
    const status = await new Promise<V1Status>((resolve, reject) => {
      exec
        .exec(namespace, "target", "main", command, stdout, tty ? null : stderr, input ? stdin : null, tty, resolve)
        .then(() => input && stdin.write(input), reject);
    });
    return { ...text, status };
  }

  beforeAll(async () => {
    api = cluster.config.makeApiClient(CoreV1Api);
    exec = new Exec(cluster.config);
    await api.createNamespace({ body: { metadata: { name: namespace } } });
    const body = pod("target", forever, { ...always, main: { env: [{ name: "COLOUR", value: "green" }] } });
    await eventually(() => api.createNamespacedPod({ namespace, body }).catch(() => undefined), "the pod is admitted");
    const isReady = async () =>
      (await api.readNamespacedPod({ namespace, name: "target" })).status?.containerStatuses?.[0]?.ready;
    await eventually(isReady, "the pod is ready", 60_000);
  });

  it("exec gives standard output, standard error and success apart", async () => {
    const { stdout, stderr, status } = await run(sh('echo "$COLOUR"; echo oops >&2'));
    expect([stdout, stderr]).toEqual(["green\n", "oops\n"]);
    expect(status.status).toBe("Success");
  });

  it("exec tells the exit code as a cause of NonZeroExitCode", async () => {
    const { status } = await run(sh("exit 9"));
    expect(status).toMatchObject({
      status: "Failure",
      reason: "NonZeroExitCode",
      details: { causes: [{ reason: "ExitCode", message: "9" }] },
    });
  });

  it("exec passes standard input on", async () => {
    expect((await run(sh("read line; echo got $line"), { input: "hello\n" })).stdout).toBe("got hello\n");
  });

  it("exec gives a terminal when asked", async () => {
    expect((await run(sh("test -t 1 && echo terminal"), { tty: true })).stdout).toBe("terminal\r\n");
  });

  it("exec in a pod that does not exist is refused", async () => {
    const refused = exec.exec(namespace, "absent", "main", ["true"], null, null, null, false);
    await expect(refused).rejects.toBeDefined();
  });

  it("reads logs through the API", async () => {
    expect(await api.readNamespacedPodLog({ namespace, name: "target", tailLines: 5 })).toBe("");
  });

  it("sees a deleted pod through its grace until it is gone", async () => {
    const deleting = await api.deleteNamespacedPod({ namespace, name: "target" });
    expect(deleting.metadata?.deletionGracePeriodSeconds).toBe(2);
    const isGone = async () =>
      api.readNamespacedPod({ namespace, name: "target" }).then(
        () => false,
        () => true,
      );
    await eventually(isGone, "the pod is gone");
  });
});
