import { X509Certificate } from "node:crypto";
import { DaemonMetrics } from "#lib/protocol/daemon-metrics.ts";
import { hubRoles } from "#lib/protocol/hub-messages.ts";

/** Why a connection was turned away before it was known who it is. */
export type Rejection = "too_many" | "no_tls" | "tls_failed" | "handshake_timeout" | "unauthorized" | "bad_message";

const rejections: Rejection[] = ["too_many", "no_tls", "tls_failed", "handshake_timeout", "unauthorized", "bad_message"];

export class HubMetrics extends DaemonMetrics {
  readonly peers = this.gauge("hub_peers", "Peers that are connected now", ["role"]);
  readonly rejected = this.counter("hub_rejected_connections_total", "Connections turned away before a handshake", ["reason"]);
  readonly handshakesWaiting = this.gauge("hub_handshakes_waiting", "Connections that wait for their turn to begin TLS");
  readonly scans = this.counter("hub_scans_total", "Scans by what became of them: ok, or the error's code", ["result"]);
  readonly scansRunning = this.gauge("hub_scans_running", "Scans that a connector works on now");
  readonly scansWaiting = this.gauge("hub_scans_waiting", "Scans that wait for a connector");
  readonly jobs = this.counter("hub_jobs_total", "Jobs that this hub ended, each once: ok, or the error's code", ["result"]);
  readonly edgeStored = this.gauge("hub_edge_messages_stored", "Messages of edges counted since the store exists");
  readonly edgeMessages = this.counter("hub_edge_messages_total", "Messages of edges that were counted, each once");
  readonly edgeDuplicates = this.counter("hub_edge_duplicates_total", "Messages of edges that had been counted before");
  readonly edgeMissing = this.counter("hub_edge_missing_total", "Numbers that edges skipped: what they had to drop");
  readonly adminRequests = this.counter("hub_admin_requests_total", "Requests to the admin API by the status of their answer", [
    "status",
  ]);
  readonly #expiry = this.gauge("hub_certificate_expiry_timestamp_seconds", "When the certificate in use ends, Unix time");

  constructor(version: string, certificate: string) {
    super("hub", version);
    for (const role of hubRoles) this.peers.set({ role }, 0);
    for (const reason of rejections) this.rejected.inc({ reason }, 0);
    this.scans.inc({ result: "ok" }, 0);
    this.jobs.inc({ result: "ok" }, 0);
    for (const operation of ["scan", "batch"]) this.requestSeconds.zero({ operation });
    this.certificateInUse(certificate);
  }

  certificateInUse(certificate: string): void {
    this.#expiry.set(new X509Certificate(certificate).validToDate.getTime() / 1000);
  }
}
