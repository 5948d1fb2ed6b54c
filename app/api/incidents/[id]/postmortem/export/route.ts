import { exportPostmortem } from "#lib/domain/incidents/postmortem/export.ts";
import { route } from "#lib/web/route.ts";
import { getRuntime } from "#lib/web/runtime.ts";

export const GET = route(async ({ context, params, search, request }) => {
  const from = { baseUrl: getRuntime().env.NEXTAUTH_URL, nonce: request.headers.get("x-nonce") ?? "" };
  const { name, type, body } = await exportPostmortem(context, params.id ?? "", { input: search, ...from });
  const headers = {
    "content-type": type === "text/html" ? "text/html; charset=utf-8" : type,
    "content-disposition": `${type === "text/html" ? "inline" : "attachment"}; filename="${name}"`,
    "cache-control": "no-store",
  };
  return new Response(body, { headers });
});
