/** The `health` subcommand, for container health checks: asks /health of the running daemon, says what it heard, exits 0 or 1. */
export async function runHealthCommand({ host, port }: { host: string; port: number }): Promise<never> {
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host.includes(":") ? `[${host}]` : host;
  try {
    const answer = await fetch(`http://${reachable}:${port}/health`, { signal: AbortSignal.timeout(5_000) });
    process.stdout.write(`${answer.status} ${(await answer.text()).slice(0, 200)}\n`);
    process.exit(answer.ok ? 0 : 1);
  } catch (error) {
    process.stdout.write(`no answer from ${reachable}:${port}: ${describe(error)}\n`);
    process.exit(1);
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
