import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { PageHeader } from "../../../ui/page-header.tsx";
import { readFirstData } from "../../first-data.ts";
import { readRunbook } from "../_components/runbook.ts";
import { RunbookText } from "../_components/runbook-text.tsx";
import runbooks from "../_components/runbooks.json" with { type: "json" };

type Parameters = { params: Promise<{ name: string }> };

const texts = new Map(Object.entries(runbooks));

export async function generateMetadata({ params }: Parameters): Promise<Metadata> {
  return { title: `Runbook of ${(await params).name}` };
}

export default async function Page({ params }: Parameters) {
  const { name } = await params;
  await readFirstData(`/runbooks/${encodeURIComponent(name)}`, []);
  const text = texts.get(name);
  if (text === undefined) notFound();
  const runbook = readRunbook(text);
  return (
    <>
      <PageHeader title={runbook.title} />
      <RunbookText runbook={runbook} />
    </>
  );
}
