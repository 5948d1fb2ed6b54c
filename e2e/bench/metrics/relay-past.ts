import { samplesOf } from "../../prometheus.ts";

const pods = 5;
const stepSeconds = 5;
const operationTypes = ["insert", "delete", "format"];
const statuses = ["ok", "error", "duplicate"];
const buckets = ["0.001", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "+Inf"];
const documents = 10;

/**
 * Two hours of a relay fleet of five instances as its metrics would have been scraped, with the relay's own names and labels: about
 * 200 series. The values are made up; they are only there to be queried.
 */
export function relayPast(end: number, hours = 2): { text: string; series: number } {
  const range = { from: end - hours * 3600, to: end, stepSeconds };
  const since = (at: number) => at - range.from;
  let series = 0;
  const lines: string[] = [];
  const put = (name: string, labels: Record<string, string>, valueAt: (at: number) => number) => {
    series += 1;
    lines.push(...samplesOf(name, labels, range, valueAt));
  };
  const typed = (name: string, kind: string, each: (own: Record<string, string>, pod: number) => void) => {
    lines.push(`# TYPE ${name} ${kind}`);
    for (let pod = 1; pod <= pods; pod += 1) {
      each({ namespace: "fleet", service: "relay", kind: "relay", pod: `relay-${pod}`, instance: `127.10.10.${pod}:9090` }, pod);
    }
  };
  typed("materi_operations_processed", "counter", (own, pod) => {
    for (const [type, operation_type] of operationTypes.entries()) {
      for (const [rank, status] of statuses.entries()) {
        const rate = (pod * 40) / (type + 1) / 100 ** rank;
        put("materi_operations_processed_total", { ...own, operation_type, status }, (at) => Math.round(since(at) * rate));
      }
    }
  });
  typed("materi_operation_latency_seconds", "histogram", (own, pod) => {
    for (const [rank, le] of buckets.entries()) {
      const share = Math.min(1, (rank + 1) / (buckets.length - 1));
      put("materi_operation_latency_seconds_bucket", { ...own, le }, (at) => Math.round(since(at) * pod * 40 * share));
    }
    put("materi_operation_latency_seconds_count", own, (at) => Math.round(since(at) * pod * 40));
    put("materi_operation_latency_seconds_sum", own, (at) => since(at) * pod * 0.4);
  });
  typed("materi_websocket_connections_active", "gauge", (own, pod) => {
    for (let document = 0; document < documents; document += 1) {
      const labels = { ...own, document_id: `document-${document}` };
      put("materi_websocket_connections_active", labels, (at) => pod * 20 + document + Math.round(5 * Math.sin(at / 300)));
    }
  });
  for (const name of [
    "materi_presence_broadcasts",
    "materi_slow_consumers",
    "materi_connections_refused",
    "process_cpu_seconds",
  ]) {
    typed(name, "counter", (own, pod) => put(`${name}_total`, own, (at) => since(at) * pod * 0.1));
  }
  typed("process_resident_memory_bytes", "gauge", (own, pod) =>
    put("process_resident_memory_bytes", own, (at) => (80 + pod + Math.sin(at / 600)) * 2 ** 20),
  );
  typed("process_start_time_seconds", "gauge", (own) => put("process_start_time_seconds", own, () => range.from - 100));
  typed("up", "gauge", (own) => put("up", own, () => 1));
  lines.push("# TYPE switchyard_probe_requests counter");
  for (const result of ["ok", "error"]) {
    const labels = { namespace: "fleet", service: "prober", kind: "prober", target: "relay", operation: "insert", result };
    put("switchyard_probe_requests_total", labels, (at) => since(at) * (result === "ok" ? 10 : 0.01));
  }
  return { text: `${lines.join("\n")}\n# EOF\n`, series };
}
