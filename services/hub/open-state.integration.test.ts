import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { createLogger } from "#lib/runtime/logger.ts";
import { openState } from "./open-state.ts";

const info = "loading:1\r\nloading_eta_seconds:600\r\n";
const answers: Record<string, string> = {
  hello: "%1\r\n+proto\r\n:3\r\n",
  client: "+OK\r\n",
  info: `$${info.length}\r\n${info}\r\n`,
};

test("a hub starts while Redis loads its data", async () => {
  const redis = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      for (const [, name = ""] of bytes.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g))
        socket.write(answers[name.toLowerCase()] ?? "-LOADING Redis is loading the dataset in memory\r\n");
    });
  });
  await new Promise<void>((resolve) => redis.listen(0, "127.0.0.1", resolve));
  const { port } = redis.address() as AddressInfo;
  const settings = { redisUrl: `redis://127.0.0.1:${port}`, readingsKept: 10, waitMs: 200 };
  const state = await openState(settings, createLogger("hub", "silent"), () => {});
  await expect(state.jobs.counts()).rejects.toThrow();
  state.close();
  await new Promise((resolve) => redis.close(resolve));
});
