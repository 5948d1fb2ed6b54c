import { RunbookOf, type RunbookParameters, runbookMetadata } from "../../../_components/runbook-of.tsx";

export const generateMetadata = runbookMetadata;

export default function Page({ params }: RunbookParameters) {
  return <RunbookOf scope="service" params={params} />;
}
