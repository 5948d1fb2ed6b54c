import type { Metadata } from "next";
import { ServicePage } from "./_components/service-page.tsx";

type Properties = { params: Promise<{ namespace: string; name: string }> };

export async function generateMetadata({ params }: Properties): Promise<Metadata> {
  return { title: decodeURIComponent((await params).name) };
}

export default async function Page({ params }: Properties) {
  const { namespace, name } = await params;
  return <ServicePage id={`${decodeURIComponent(namespace)}/${decodeURIComponent(name)}`} />;
}
