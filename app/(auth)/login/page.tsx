import type { Metadata } from "next";
import { LoginForm } from "./login-form.tsx";

export const metadata: Metadata = { title: "Log in" };

type Properties = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export default async function Page({ searchParams }: Properties) {
  const { callbackUrl } = await searchParams;
  return (
    <main className="grid min-h-dvh place-items-center bg-sunken px-4 py-10">
      <div className="w-full max-w-84">
        <LoginForm callbackUrl={localPath(callbackUrl)} />
      </div>
    </main>
  );
}

/** Only a path of this site: the address may have been made by anybody. */
function localPath(value: string | string[] | undefined): string {
  if (typeof value !== "string") return "/";
  const base = "http://switchyard.invalid";
  const url = URL.canParse(value, base) ? new URL(value, base) : null;
  return url && url.origin === base ? url.pathname + url.search : "/";
}
