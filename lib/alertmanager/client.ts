/** Alertmanager's API v2, so far only whether it answers. Rejects with an Error that says what went wrong. */
export class AlertmanagerClient {
  readonly #url: string;
  readonly #timeoutMs: number;

  constructor({ url, timeoutMs = 5_000 }: { url: string; timeoutMs?: number }) {
    this.#url = url.replace(/\/+$/, "");
    this.#timeoutMs = timeoutMs;
  }

  async checkReady(): Promise<void> {
    const response = await fetch(`${this.#url}/-/ready`, { signal: AbortSignal.timeout(this.#timeoutMs), redirect: "error" });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`Alertmanager answered with HTTP ${response.status}`);
  }
}
