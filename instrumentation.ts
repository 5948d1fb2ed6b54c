/** Starts the watches with the process, so that the first viewer finds a fleet that is known. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== "nodejs" || process.env.NEXT_PHASE === "phase-production-build") return;
  const { getRuntime } = await import("#lib/web/runtime.ts");
  getRuntime();
}
