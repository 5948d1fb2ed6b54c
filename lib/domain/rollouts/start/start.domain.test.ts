import { createHash, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type ConfigObject, paths, type Workload } from "#lib/kubernetes/objects.ts";
import { until } from "#lib/kubernetes/test-cluster.ts";
import { performAction } from "../../actions/commands.ts";
import { hashRequest } from "../../actions/ledger.ts";
import { startTestWorld, type TestWorld, testContext } from "../../actions/test-fleet.ts";
import { DomainError } from "../../errors.ts";
import { defaultStrategies } from "../strategy.ts";
import { canary, deployService, start } from "../test-rollouts.ts";
import { createFreezeWindow } from "./freeze.ts";
import { getRolloutOptions } from "./options.ts";
import { checkRollout } from "./preflight.ts";
import { type ChangeInput, startRolloutSchema } from "./start-schemas.ts";
import type { RolloutTarget } from "./target.ts";

let world: TestWorld;
let admin: TestWorld["context"];

beforeAll(async () => {
  world = await startTestWorld();
  admin = testContext(world, { role: "admin", name: "ada" });
});
afterAll(() => world?.stop());
afterEach(async () => {
  await world.db.freezeWindow.deleteMany();
  await world.db.alertSource.deleteMany();
});

async function refusal(work: Promise<unknown>): Promise<DomainError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof DomainError) return error;
  throw new Error("it was not refused", { cause: error });
}

const rolloutOf = (id: string | null) =>
  world.db.rollout.findUniqueOrThrow({ where: { id: id ?? "" }, include: { events: true, auditEntry: true } });
const readConfig = (kind: ConfigObject["kind"], name: string) =>
  world.kubernetes.get<ConfigObject>(`${paths.configOf(kind, "fleet")}/${name}`);
const hour = 3_600_000;
const freeze = (namespace: string | null = "fleet") =>
  createFreezeWindow(admin, {
    namespace,
    startsAt: new Date(Date.now() - hour).toISOString(),
    endsAt: new Date(Date.now() + hour).toISOString(),
    reason: "the fair",
  });

describe("a start", () => {
  test("stores the rollout with its steps, its audit row and its first event, and writes nothing to the workload", async () => {
    const service = await deployService(world);
    const result = await start(world.context, service, { ticks: ["tests"] });
    const rollout = await rolloutOf(result.rolloutId);
    expect(rollout).toMatchObject({
      state: "progressing",
      change: "image",
      fromVersion: "2.0.0",
      toVersion: "2.1.0",
      activeKey: `fleet/${service.ref.name}`,
      strategy: canary,
      preflight: { ticks: [{ id: "tests", by: "olga" }], override: null },
      auditEntry: { verb: "rollout", outcome: "succeeded", reason: "tried in a test", targetName: service.ref.name },
      events: [{ kind: "started", by: "olga", message: expect.stringContaining("All of its tests pass (olga)") }],
    });
    expect(rollout.run).toMatchObject({ index: 0, steps: [{ kind: "candidate", replicas: 1 }, { kind: "weight" }, {}, {}, {}] });
    const workload = await world.kubernetes.get<Workload>(paths.workload("Deployment", "fleet", service.ref.name));
    expect(workload.metadata.generation).toBe(1);
  });

  test("gives the same answer to a repeated request, and stores it once", async () => {
    const service = await deployService(world);
    const key = randomUUID();
    const answers = await Promise.all([start(world.context, service, {}, key), start(world.context, service, {}, key)]);
    expect(answers[1]).toEqual(answers[0]);
    expect(await start(world.context, service, {}, key)).toEqual(answers[0]);
    expect(await world.db.rollout.count({ where: { service: service.ref.name } })).toBe(1);
    const error = await refusal(start(world.context, service, { reason: "something else" }, key));
    expect(error.code).toBe("idempotency-conflict");
  });

  test("is refused as stale, and audited, when the template is not the one that was seen", async () => {
    const service = await deployService(world);
    const error = await refusal(start(world.context, { ...service, seen: { ...service.seen, templateHash: "another" } }));
    expect(error.code).toBe("stale");
    expect(await world.db.auditEntry.findFirst({ where: { targetName: service.ref.name } })).toMatchObject({
      verb: "rollout",
      outcome: "refused",
      errorCode: "stale",
    });
  });

  test("is for operators", async () => {
    const service = await deployService(world);
    const viewer = testContext(world, { role: "viewer", name: "vera" });
    expect((await refusal(start(viewer, service))).code).toBe("not-permitted");
    expect((await refusal(checkRollout(viewer, service.ref, {}))).code).toBe("not-permitted");
  });

  test("is refused when it would change nothing", async () => {
    const service = await deployService(world);
    const error = await refusal(
      start(world.context, service, { change: { image: { container: "relay", image: "switchyard/relay:2.0.0" } } }),
    );
    expect(error.message).toContain("has this template already");
  });

  test("of two at once one begins; the other is refused, or waits when it may", async () => {
    const service = await deployService(world);
    const [first, second] = await Promise.allSettled([start(world.context, service), start(world.context, service)]);
    expect([first.status, second.status].toSorted()).toEqual(["fulfilled", "rejected"]);
    const error = await refusal(start(world.context, service));
    expect(error.message).toContain("is under way. It can wait in the queue for that.");
    const waiting = await start(world.context, service, { queue: true });
    expect(await rolloutOf(waiting.rolloutId)).toMatchObject({
      state: "queued",
      activeKey: null,
      run: null,
      events: [{ kind: "queued" }],
    });
  });

  test("takes the service's own strategy when none is given", async () => {
    const own = { ...canary, steps: [{ weight: 20, pauseSeconds: 5 }] };
    const service = await deployService(world, { annotations: { "switchyard.dev/rollout-strategy": JSON.stringify(own) } });
    const result = await start(world.context, service, { strategy: undefined });
    expect((await rolloutOf(result.rolloutId)).strategy).toEqual(own);
    const broken = await deployService(world, { annotations: { "switchyard.dev/rollout-strategy": '{"kind":"canary"}' } });
    const error = await refusal(start(world.context, broken, { strategy: undefined }));
    expect(error.message).toContain("The annotation switchyard.dev/rollout-strategy cannot be used: steps:");
    expect(await getRolloutOptions(world.context, broken.ref)).toMatchObject({
      preferred: "canary",
      problem: expect.any(String),
    });
  });
});

describe("blockers", () => {
  test("a freeze keeps it from starting; an administrator overrides it with a reason, an operator may not", async () => {
    const service = await deployService(world);
    await freeze();
    expect((await refusal(start(world.context, service))).message).toContain("All rollouts in fleet are frozen until");
    const override = { reason: "the fix cannot wait" };
    expect((await refusal(start(world.context, service, { override }))).code).toBe("not-permitted");
    const result = await start(admin, service, { override });
    const rollout = await rolloutOf(result.rolloutId);
    expect(rollout).toMatchObject({
      state: "progressing",
      preflight: { override: { by: "ada", ...override } },
      auditEntry: { after: { overridden: ["freeze"], override: override.reason } },
      events: [{ message: expect.stringContaining("Overridden by ada (the fix cannot wait): All rollouts in fleet are frozen") }],
    });
  });

  test("a freeze of another namespace is none", async () => {
    const service = await deployService(world);
    await freeze("elsewhere");
    expect((await start(world.context, service)).outcome).toBe("succeeded");
  });

  test("a critical alert that fires blocks, a silenced one does not", async () => {
    const service = await deployService(world);
    const source = await world.db.alertSource.create({
      data: { name: randomUUID(), secretHash: randomUUID(), secretPrefix: "x", createdAt: new Date(), createdByName: "ada" },
    });
    const times = { startsAt: new Date(), firstReceivedAt: new Date(), lastReceivedAt: new Date() };
    const alert = await world.db.alertEpisode.create({
      data: {
        ...times,
        sourceId: source.id,
        fingerprint: "f",
        name: "RelayDown",
        severity: "critical",
        namespace: "fleet",
        service: service.ref.name,
        labels: {},
        annotations: {},
        state: "firing",
        silencedBy: [],
        firedStarts: [],
      },
    });
    const error = await refusal(start(world.context, service));
    expect(error.message).toContain("The critical alert RelayDown fires since");
    await world.db.alertEpisode.update({ where: { id: alert.id }, data: { silencedBy: ["a"] } });
    expect((await start(world.context, service)).outcome).toBe("succeeded");
  });

  test("an unpinned image blocks until it is overridden; what the cluster refuses stays refused", async () => {
    const service = await deployService(world);
    const template = { spec: { containers: [{ name: "relay", image: "switchyard/relay:latest" }] } };
    const labels = { app: service.ref.name, "switchyard.dev/kind": "relay" };
    const change = { template: { metadata: { labels }, ...template } };
    const preflight = await checkRollout(world.context, service.ref, { change, strategy: canary });
    expect(preflight.blockers.map(({ id, canOverride }) => [id, canOverride])).toEqual([
      ["image-pinned", true],
      ["readiness", true],
    ]);
    const foreign = await checkRollout(world.context, service.ref, {
      change: { template: { metadata: { labels: { app: "another" } }, ...template } },
      strategy: canary,
    });
    expect(foreign.dryRun.accepted).toBe(false);
    expect(foreign.blockers).toContainEqual(expect.objectContaining({ id: "dry-run", canOverride: false, canQueue: false }));
    const change2 = { template: { metadata: { labels: { app: "another" } }, ...template } };
    const error = await refusal(start(admin, service, { change: change2, override: { reason: "I insist" }, queue: true }));
    expect(error.code).toBe("precondition-failed");
  });

  test("without Prometheus nothing can be analysed; a canary of one instance is none; a StatefulSet has no second version", async () => {
    const one = await deployService(world, { replicas: 1 });
    const change = { image: { container: "relay", image: "switchyard/relay:2.1.0" } };
    const analysed = await checkRollout(world.context, one.ref, { change, strategy: defaultStrategies.canary });
    expect(analysed.blockers.map(({ id }) => id)).toEqual(["prometheus", "share"]);
    const set = await deployService(world, { kind: "StatefulSet" });
    const refused = await checkRollout(world.context, set.ref, { change, strategy: canary });
    expect(refused.blockers.map(({ id }) => id)).toEqual(["strategy"]);
    const options = await getRolloutOptions(world.context, set.ref);
    expect(options).toMatchObject({
      preferred: "rolling",
      refused: { rolling: null, canary: expect.stringContaining("StatefulSet") },
    });
  });
});

describe("Services", () => {
  const service = (name: string, selector: Record<string, string>) => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: fleet }
spec: { selector: ${JSON.stringify(selector)}, ports: [{ port: 8081 }] }
`;
  const image = { image: { container: "relay", image: "switchyard/relay:2.1.0" } };
  const blockersOf = async (ref: object, input: object) => (await checkRollout(world.context, ref, input)).blockers;

  test("that would not select the new instances block, whoever insists", async () => {
    const relay = await deployService(world);
    const { name } = relay.ref;
    await world.cluster.create(service(name, { app: name, "app.kubernetes.io/name": name }));
    const containers = [
      { name: "relay", image: "switchyard/relay:2.1.0", readinessProbe: { httpGet: { path: "/ready", port: 8081 } } },
    ];
    const labels = { app: name, "switchyard.dev/kind": "relay" };
    const change = { template: { metadata: { labels }, spec: { containers } } };
    const rolling = defaultStrategies.rolling;
    for (const strategy of [canary, rolling]) {
      expect(await blockersOf(relay.ref, { change, strategy })).toEqual([
        {
          id: "selector",
          message: expect.stringContaining(`app.kubernetes.io/name=${name}`),
          canOverride: false,
          canQueue: false,
        },
      ]);
    }
    const error = await refusal(start(admin, relay, { change, override: { reason: "I insist on it" } }));
    expect(error).toMatchObject({ code: "precondition-failed", message: expect.stringContaining(`The Service ${name} `) });
    const kept = { template: { metadata: { labels: { ...labels, "app.kubernetes.io/name": name } }, spec: { containers } } };
    expect(await blockersOf(relay.ref, { change: kept, strategy: rolling })).toEqual([]);
  });

  test("that are more than one let no traffic be divided by route or switched; instances can be shared", async () => {
    const relay = await deployService(world);
    const { name } = relay.ref;
    const blueGreen = { ...defaultStrategies["blue-green"], prePromotion: null, postPromotion: null };
    await world.cluster.create(service(name, { app: name }));
    expect(await blockersOf(relay.ref, { change: image, strategy: blueGreen })).toEqual([]);
    await world.cluster.create(await readFile(new URL("../../../../deploy/demo/05-routes.yaml", import.meta.url), "utf8"));
    await until("routes are served", () =>
      world.kubernetes.list("/apis/gateway.networking.k8s.io/v1/namespaces/fleet/httproutes").catch(() => undefined),
    );
    await world.cluster.create(`${service(`${name}-too`, { app: name })}---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, namespace: fleet }
spec: { parentRefs: [{ group: "", kind: Service, name: ${name} }], rules: [{ backendRefs: [{ name: ${name}, port: 8081 }] }] }
`);
    for (const strategy of [blueGreen, { ...canary, traffic: "route" }, { ...canary, traffic: "auto" }]) {
      expect(await blockersOf(relay.ref, { change: image, strategy })).toEqual([
        { id: "strategy", message: expect.stringContaining(`${name} and ${name}-too`), canOverride: false, canQueue: false },
      ]);
    }
    expect(await blockersOf(relay.ref, { change: image, strategy: canary })).toEqual([]);
    expect(await getRolloutOptions(world.context, relay.ref)).toMatchObject({
      strategies: { canary: { traffic: "replicas" } },
      refused: { rolling: null, canary: null, "blue-green": expect.stringContaining(`${name}-too`) },
    });
  });
});

describe("configuration", () => {
  test("is brought by immutable copies that the new template names; what was before stays as it is", async () => {
    const service = await deployService(world);
    const { name } = service.ref;
    const change: ChangeInput = {
      config: [
        { kind: "ConfigMap", name: `${name}-settings`, data: { greeting: "good evening", limit: null, more: "x" } },
        { kind: "Secret", name: `${name}-secrets`, data: { token: "sesame-closed" } },
      ],
    };
    const preflight = await checkRollout(world.context, service.ref, { change, strategy: canary });
    expect(preflight.diff.config).toMatchObject([
      { kind: "ConfigMap", name: `${name}-settings`, added: ["more"], removed: ["limit"], changed: ["greeting"] },
      { kind: "Secret", name: `${name}-secrets`, added: [], removed: [], changed: ["token"] },
    ]);
    const stored = JSON.stringify(preflight);
    expect(stored).not.toContain("sesame");
    expect(stored).not.toContain(Buffer.from("sesame-closed").toString("base64"));

    const result = await start(world.context, service, { change });
    const rollout = await rolloutOf(result.rolloutId);
    const target = rollout.target as unknown as RolloutTarget;
    expect(JSON.stringify(rollout)).not.toContain("sesame");
    const [settings, secrets] = target.copies;
    expect(settings?.name).toMatch(new RegExp(`^${name}-settings-[0-9a-f]{10}$`));
    expect(target.template.spec.containers[0]).toMatchObject({
      envFrom: [{ configMapRef: { name: settings?.name } }],
      env: [{ valueFrom: { secretKeyRef: { name: secrets?.name, key: "token" } } }],
    });
    expect(await readConfig("ConfigMap", settings?.name ?? "")).toMatchObject({
      data: { greeting: "good evening", more: "x" },
      immutable: true,
    });
    const secret = await readConfig("Secret", secrets?.name ?? "");
    expect(Buffer.from(secret.data?.token ?? "", "base64").toString()).toBe("sesame-closed");
    expect((await readConfig("ConfigMap", `${name}-settings`)).data).toEqual({ greeting: "hello", limit: "10" });
  });

  test("of a Secret cannot be guessed from what is stored of it", async () => {
    const service = await deployService(world);
    const { name } = service.ref;
    const change: ChangeInput = { config: [{ kind: "Secret", name: `${name}-secrets`, data: { token: "1234" } }] };
    const key = randomUUID();
    const { rolloutId } = await start(world.context, service, { change }, key);
    const { auditEntry, target } = await rolloutOf(rolloutId);
    const [copy] = (target as unknown as RolloutTarget).copies;
    const { kind, data, type } = await readConfig("Secret", copy?.name ?? "");
    const guess = { kind: kind ?? "Secret", data, type };
    const guessed = createHash("sha256")
      .update(JSON.stringify([guess.kind, guess.type, Object.entries(guess.data ?? {}), []]))
      .digest("hex");
    expect(copy?.name).toMatch(/-[0-9a-f]{10}$/);
    expect(copy?.name).not.toContain(guessed.slice(0, 10));
    const input = startRolloutSchema.parse({ strategy: canary, change, reason: "tried in a test", seen: service.seen });
    expect(auditEntry.requestHash).toMatch(/^[0-9a-f]{64}$/);
    expect(auditEntry.requestHash).not.toBe(hashRequest("rollout", service.ref, input));
    const other: ChangeInput = { config: [{ kind: "Secret", name: `${name}-secrets`, data: { token: "1235" } }] };
    expect((await refusal(start(world.context, service, { change: other }, key))).code).toBe("idempotency-conflict");
  });

  test("that lacks a key which the template needs blocks", async () => {
    const service = await deployService(world);
    const change = {
      config: [{ kind: "Secret" as const, name: `${service.ref.name}-secrets`, data: { token: null, other: "x" } }],
    };
    const preflight = await checkRollout(world.context, service.ref, { change, strategy: canary });
    expect(preflight.blockers.map(({ id }) => id)).toEqual(["config-present"]);
    expect(preflight.blockers[0]?.message).toContain("key token of Secret");
  });

  test("that the template does not name cannot be brought", async () => {
    const service = await deployService(world);
    const change = { config: [{ kind: "ConfigMap" as const, name: "nobody-reads-this", data: { a: "b" } }] };
    expect((await refusal(start(world.context, service, { change }))).message).toContain("reads nothing from a ConfigMap");
  });
});

test("a freeze keeps a new image from being set past preflight, and lets a restart through", async () => {
  const service = await deployService(world);
  await freeze();
  const act = (verb: string, input: object) =>
    performAction(world.context, {
      verb,
      ref: service.ref,
      body: { reason: "tried in a test", seen: service.seen, ...input },
      key: randomUUID(),
    });
  const error = await refusal(act("image", { container: "relay", image: "switchyard/relay:2.1.0" }));
  expect(error.message).toContain("All rollouts in fleet are frozen until");
  expect((await act("restart", {})).outcome).toBe("succeeded");
});

test("other actions on the service are refused while its rollout is under way", async () => {
  const service = await deployService(world);
  await start(world.context, service);
  const error = await refusal(
    performAction(world.context, {
      verb: "restart",
      ref: service.ref,
      body: { reason: "tried in a test", seen: service.seen },
      key: randomUUID(),
    }),
  );
  expect(error.code).toBe("precondition-failed");
  expect(error.message).toContain("is under way with a strategy of its own; abort it");
});
