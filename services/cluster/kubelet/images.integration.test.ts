import { once } from "node:events";
import { connect } from "node:net";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LocalNode, processesWith, until } from "./test/local-node.ts";

const node = new LocalNode();
beforeAll(() => node.start());
afterAll(() => node.stop());

const podIP = { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } };

it("postgres makes its database on the first start and keeps it when its container is killed", async () => {
  const containers = [
    {
      image: "postgres:15",
      env: [
        podIP,
        { name: "POSTGRES_USER", value: "relay" },
        { name: "POSTGRES_DB", value: "documents" },
        { name: "POSTGRES_PASSWORD", value: "it's a secret" },
        { name: "PGDATA", value: "/data/pg" },
      ],
      readinessProbe: { tcpSocket: { port: 5432 }, periodSeconds: 1 },
      volumeMounts: [{ name: "data", mountPath: "/data" }],
    },
  ];
  await node.createPod("postgres", {
    terminationGracePeriodSeconds: 20,
    securityContext: { runAsNonRoot: true, runAsUser: 999, fsGroup: 999 },
    containers,
    volumes: [{ name: "data", emptyDir: {} }],
  });
  const pod = await node.untilReady("postgres");
  const settings = { host: pod.status?.podIP, user: "relay", password: "it's a secret", database: "documents" };
  const client = new pg.Client(settings);
  await client.connect();
  await client.query("create table kept (value int)");
  await client.query("insert into kept values (42)");
  client.on("error", () => {});
  const [server] = processesWith("/native/bin/postgres\0-D\0/data/pg");
  process.kill(server ?? 0, "SIGKILL");
  await node.untilPod(
    "postgres",
    ({ status }) => status?.containerStatuses?.[0]?.restartCount === 1 && status.containerStatuses[0].ready,
  );
  // Its port answers while it still repairs what the kill left.
  const again = await until("the repaired database", async () => {
    const candidate = new pg.Client(settings);
    await candidate.connect();
    return candidate;
  });
  expect((await again.query("select value from kept")).rows).toEqual([{ value: 42 }]);

  // A client that stays connected does not hold the stop up.
  again.on("error", () => {});
  const began = performance.now();
  await node.deletePod("postgres");
  await node.untilGone("postgres");
  expect(performance.now() - began).toBeLessThan(18_000);
});

it("redis listens at the pod's address", async () => {
  await node.createPod("redis", {
    securityContext: { runAsUser: 999, fsGroup: 999 },
    containers: [
      {
        image: "redis:7.0",
        args: ["--bind", "$(POD_IP)", "--protected-mode", "no", "--dir", "/data"],
        env: [podIP],
        readinessProbe: { tcpSocket: { port: 6379 }, periodSeconds: 1 },
        volumeMounts: [{ name: "data", mountPath: "/data" }],
      },
    ],
    volumes: [{ name: "data", emptyDir: {} }],
  });
  const pod = await node.untilReady("redis");
  const socket = connect(6379, pod.status?.podIP ?? "");
  socket.write("PING\r\n");
  expect(String((await once(socket, "data"))[0])).toBe("+PONG\r\n");
  socket.destroy();
});
