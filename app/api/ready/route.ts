import { getRuntime } from "#lib/web/runtime.ts";

export const dynamic = "force-dynamic";

export async function GET(): Promise<Response> {
  try {
    await getRuntime().db.$queryRaw`SELECT 1`;
    return Response.json({ status: "ready" });
  } catch {
    return Response.json({ status: "not ready", waitsFor: "database" }, { status: 503 });
  }
}
