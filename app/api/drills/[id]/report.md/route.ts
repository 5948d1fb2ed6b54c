import { exportDrill } from "#lib/domain/recovery/drills/report-markdown.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(async ({ context, params }) => {
  const { name, text } = await exportDrill(context, params.id ?? "");
  const headers = {
    "content-type": "text/markdown; charset=utf-8",
    "content-disposition": `attachment; filename="${name}"`,
    "cache-control": "no-store",
  };
  return new Response(text, { headers });
});
