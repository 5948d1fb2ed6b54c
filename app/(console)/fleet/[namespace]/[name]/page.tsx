import { HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { fleetKeys } from "#lib/client/fleet.ts";
import { reliabilityQuery, trendDays } from "#lib/client/incident-trends.ts";
import { recoverabilityQuery } from "#lib/client/recovery.ts";
import { getService } from "#lib/domain/fleet/queries.ts";
import type { ServiceRef } from "#lib/domain/fleet/schemas.ts";
import { getServiceReliability } from "#lib/domain/incidents/trends/queries.ts";
import { getRecoverability } from "#lib/domain/recovery/objectives/recoverability.ts";
import { type Read, readFirstData } from "../../../first-data.ts";
import { ServicePage } from "./_components/service-page.tsx";

type Search = Record<string, string | string[] | undefined>;
type Properties = { params: Promise<{ namespace: string; name: string }>; searchParams: Promise<Search> };

export async function generateMetadata({ params }: Properties): Promise<Metadata> {
  return { title: decodeURIComponent((await params).name) };
}

const reliabilityOf = (ref: ServiceRef, days: string): Read => [
  reliabilityQuery(`${ref.namespace}/${ref.name}`, Number(days)).queryKey,
  (context) => getServiceReliability(context, ref, { days }),
];

export default async function Page({ params, searchParams }: Properties) {
  const { namespace, name } = await params;
  const { tab, days: asked } = await searchParams;
  const ref = { namespace: decodeURIComponent(namespace), name: decodeURIComponent(name) };
  const id = `${ref.namespace}/${ref.name}`;
  const days = trendDays({ get: () => (typeof asked === "string" ? asked : null) });
  const firstData = await readFirstData(`/fleet/${id}`, [
    [fleetKeys.service(id), (context) => getService(context, ref)],
    [recoverabilityQuery(id).queryKey, (context) => getRecoverability(context, id)],
    ...(tab === "reliability" ? [reliabilityOf(ref, days)] : []),
  ]);
  return (
    <HydrationBoundary state={firstData}>
      <ServicePage id={id} />
    </HydrationBoundary>
  );
}
