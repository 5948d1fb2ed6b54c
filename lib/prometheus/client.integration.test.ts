import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { samplesOf, startTestPrometheus } from "../../e2e/prometheus.ts";
import { PrometheusClient } from "./client.ts";

let server: Server | undefined;
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

/** A client of a server that is no Prometheus, but answers as one that is in trouble. */
async function clientOf(listener: RequestListener, timeoutMs = 2_000): Promise<PrometheusClient> {
  const own = createServer(listener);
  server = own;
  await new Promise<void>((resolve) => own.listen(0, "127.0.0.1", resolve));
  return new PrometheusClient({ url: `http://127.0.0.1:${(own.address() as AddressInfo).port}`, timeoutMs });
}

const range = { from: 0, to: 60, stepSeconds: 15 };
const matrix = (result: unknown) => JSON.stringify({ status: "success", data: { resultType: "matrix", result } });

describe("a Prometheus in trouble", () => {
  test("that takes the request and never answers is unavailable after the time limit", async () => {
    const client = await clientOf(() => {}, 200);
    const startedAt = performance.now();
    await expect(client.queryRange("up", range)).rejects.toMatchObject({
      code: "prometheus-unavailable",
      message: expect.stringContaining("no answer within 0.2 s"),
    });
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  test("that stops in the middle of its answer is unavailable, too", async () => {
    const client = await clientOf((_, response) => response.write('{"status":'), 200);
    await expect(client.queryRange("up", range)).rejects.toMatchObject({ code: "prometheus-unavailable" });
  });

  test.each([
    [503, JSON.stringify({ status: "error", errorType: "timeout", error: "query timed out" }), "query timed out"],
    [502, "<html>Bad Gateway</html>", "HTTP 502"],
    [200, matrix([{ metric: {}, values: [[1, 2]] }]), "form that is not known"],
    [200, "{}", "HTTP 200"],
  ])("that answers %i %s is unavailable", async (status, body, message) => {
    const client = await clientOf((_, response) => response.writeHead(status).end(body));
    await expect(client.queryRange("up", range)).rejects.toMatchObject({
      code: "prometheus-unavailable",
      message: expect.stringContaining(message),
    });
  });

  test("at whose address nothing listens is unavailable at once", async () => {
    const client = await clientOf(() => {});
    await new Promise((resolve) => server?.close(resolve));
    await expect(client.queryRange("up", range)).rejects.toMatchObject({
      code: "prometheus-unavailable",
      message: expect.stringContaining("nothing listens"),
    });
  });

  test("whose answer is longer than can be read is cut off, and the reader told what to do", async () => {
    let sent = 0;
    const client = await clientOf((_, response) => {
      const chunk = Buffer.alloc(1024 * 1024, "[");
      const send = () => {
        while (!response.destroyed && response.write(chunk)) sent += 1;
      };
      response.on("drain", send).on("error", () => {});
      send();
    }, 20_000);
    await expect(client.queryRange("up", range)).rejects.toMatchObject({
      code: "prometheus-refused",
      message: expect.stringContaining("longer than 32 MiB; sum its series by a label"),
    });
    expect(sent).toBeLessThan(200);
  });
});

test("a real Prometheus' answers come with gaps, refusals and limits as they are", async () => {
  const end = Math.floor(Date.now() / 60_000) * 60 - 600;
  const span = { from: end - 300, to: end, stepSeconds: 15 };
  const series = [1, 2, 3].flatMap((index) => samplesOf("a", { index: `${index}` }, span, () => index));
  const real = await startTestPrometheus(["# TYPE a gauge", ...series, "# EOF\n"].join("\n"));
  try {
    const client = new PrometheusClient({ url: real.url });
    const [first] = await client.queryRange('a{index="1"}', span);
    expect(first?.labels).toEqual({ __name__: "a", index: "1" });
    expect(first?.points).toHaveLength(21);
    const [nothing] = await client.queryRange("vector(0) / vector(0)", span);
    expect(nothing?.points[0]?.[1]).toBeNull();
    expect(await client.queryRange("a", span, { maxSeries: 3 })).toHaveLength(3);
    await expect(client.queryRange("a", span, { maxSeries: 2 })).rejects.toMatchObject({
      code: "prometheus-refused",
      message: expect.stringMatching(/^This gives (3|more than 2) series, and at most 2 are drawn/),
    });
    await expect(client.queryRange("rate(a)", span)).rejects.toMatchObject({
      code: "prometheus-refused",
      message: expect.stringContaining("expected type range vector"),
    });
    await expect(client.queryRange("a", { ...span, from: 0, stepSeconds: 1 })).rejects.toMatchObject({
      code: "prometheus-refused",
      message: expect.stringContaining("11,000 points"),
    });
  } finally {
    await real.stop();
  }
});
