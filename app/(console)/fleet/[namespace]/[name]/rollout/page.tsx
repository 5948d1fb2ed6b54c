import { HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { fleetKeys } from "#lib/client/fleet.ts";
import { getService } from "#lib/domain/fleet/queries.ts";
import { readFirstData } from "../../../../first-data.ts";
import { RolloutStartPage } from "./_components/rollout-start-page.tsx";

type Properties = { params: Promise<{ namespace: string; name: string }> };

export async function generateMetadata({ params }: Properties): Promise<Metadata> {
  return { title: `Roll out ${decodeURIComponent((await params).name)}` };
}

export default async function Page({ params }: Properties) {
  const { namespace, name } = await params;
  const ref = { namespace: decodeURIComponent(namespace), name: decodeURIComponent(name) };
  const id = `${ref.namespace}/${ref.name}`;
  const firstData = await readFirstData(`/fleet/${id}/rollout`, [[fleetKeys.service(id), (context) => getService(context, ref)]]);
  return (
    <HydrationBoundary state={firstData}>
      <RolloutStartPage id={id} />
    </HydrationBoundary>
  );
}
