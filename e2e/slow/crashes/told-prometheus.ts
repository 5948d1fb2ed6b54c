import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A Prometheus that knows one thing: instances of services whose name begins with `bad` restart. */
export async function startToldPrometheus(): Promise<{ url: string; stop: () => void }> {
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://prometheus");
    const query = searchParams.get("query") ?? new URLSearchParams(await text(request)).get("query") ?? "";
    const isRange = pathname.endsWith("/query_range");
    const data = { resultType: isRange ? "matrix" : "vector", result: isRange ? [] : answer(query) };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ status: "success", data }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}

function answer(query: string): object[] {
  if (!query.includes("process_start_time_seconds")) return [];
  const isCount = query.startsWith("count");
  const value = isCount ? "2" : /service="bad/.test(query) ? "3" : "0";
  return [{ metric: { track: "candidate" }, value: [Date.now() / 1000, value] }];
}
