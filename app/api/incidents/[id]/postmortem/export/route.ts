import { exportPolicy, exportPostmortem } from "#lib/domain/incidents/postmortem/export.ts";
import { route } from "#lib/web/route.ts";
import { getRuntime } from "#lib/web/runtime.ts";

export const GET = route(async ({ context, params, search }) => {
  const baseUrl = getRuntime().env.NEXTAUTH_URL;
  const { name, type, text } = await exportPostmortem(context, params.id ?? "", { input: search, baseUrl });
  const headers = {
    "content-type": `${type}; charset=utf-8`,
    "content-disposition": `${type === "text/html" ? "inline" : "attachment"}; filename="${name}"`,
    "content-security-policy": exportPolicy,
    "cache-control": "no-store",
  };
  return new Response(text, { headers });
});
