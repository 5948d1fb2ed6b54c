import type { NextRequest } from "next/server";
import NextAuth from "next-auth";
import { authOptions } from "#lib/web/auth.ts";

type Segment = { params: Promise<{ nextauth: string[] }> };

function handle(request: NextRequest, segment: Segment): Promise<Response> {
  return NextAuth(request, segment, authOptions());
}

export { handle as GET, handle as POST };
