import { type NextRequest, NextResponse } from "next/server";
import { getToken } from "next-auth/jwt";
import { contentSecurityPolicy, securityHeaders } from "#lib/web/headers.ts";

const openPaths = /^\/(login$|api\/(auth\/|health$|ready$))/;

/** Headers for every answer, and the first look at the session; whether it still holds is asked by pages and routes themselves. */
export async function proxy(request: NextRequest): Promise<Response> {
  const nonce = Buffer.from(crypto.randomUUID()).toString("base64");
  const policy = contentSecurityPolicy(nonce, process.env.NODE_ENV === "development");
  const response = (await refuse(request)) ?? goOn(request, nonce, policy);
  response.headers.set("content-security-policy", policy);
  for (const [name, value] of Object.entries(securityHeaders)) response.headers.set(name, value);
  return response;
}

function goOn(request: NextRequest, nonce: string, policy: string): Response {
  const headers = new Headers(request.headers);
  // Next takes the nonce for its own scripts from this header.
  headers.set("content-security-policy", policy);
  headers.set("x-nonce", nonce);
  return NextResponse.next({ request: { headers } });
}

async function refuse(request: NextRequest): Promise<Response | null> {
  const { pathname, search } = request.nextUrl;
  if (openPaths.test(pathname)) return null;
  const isApi = pathname.startsWith("/api/");
  if (isApi && request.headers.has("authorization")) return null;
  if (await getToken({ req: request })) return null;
  if (isApi) {
    const problem = {
      type: "https://switchyard.dev/problems/not-authenticated",
      title: "Not logged in",
      status: 401,
      detail: "Log in first, or send an API token.",
      code: "not-authenticated",
      requestId: crypto.randomUUID(),
    };
    return Response.json(problem, { status: 401, headers: { "content-type": "application/problem+json" } });
  }
  const login = request.nextUrl.clone();
  login.pathname = "/login";
  login.search = "";
  if (pathname !== "/") login.searchParams.set("callbackUrl", pathname + search);
  return NextResponse.redirect(login);
}

export const config = { matcher: ["/((?!_next/static|_next/image|icon\\.svg|favicon\\.ico).*)"] };
