import { exportDashboard } from "#lib/domain/metrics/grafana.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(async ({ context, params }) => {
  const { fileName, dashboard } = await exportDashboard(context, params);
  return Response.json(dashboard, {
    headers: { "content-disposition": `attachment; filename="${fileName}"`, "cache-control": "no-store" },
  });
});
