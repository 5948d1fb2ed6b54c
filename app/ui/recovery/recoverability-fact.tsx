"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { recoverabilityQuery } from "#lib/client/recovery.ts";
import { Exposure } from "./exposure.tsx";
import { FreshnessMark } from "./marks.tsx";

/** What would be lost of a service now, in a line, as the way to its recovery. */
export function RecoverabilityFact({ subject }: { subject: string }) {
  const { data } = useQuery(recoverabilityQuery(subject));
  if (!data) return <span className="text-ink-3">–</span>;
  return (
    <Link href={`/fleet/${subject}?tab=recovery`} className="inline-flex items-center gap-2 hover:underline">
      <FreshnessMark state={data.state} />
      {data.exposureSeconds !== null && <Exposure of={data} takenAt={data.newestVerified?.takenAt ?? null} />}
    </Link>
  );
}
