import { exportHistory } from "#lib/domain/alerts/export.ts";
import { streamDownload } from "#lib/web/download.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(async ({ context, search }) => {
  const name = `alerts-${context.clock().toISOString().slice(0, 10)}.csv`;
  return streamDownload(await exportHistory(context, search), { name, type: "text/csv" });
});
