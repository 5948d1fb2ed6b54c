import type { ScrapeTarget } from "#lib/prometheus/client.ts";
import type { Health, OutsideInstance, OutsideService } from "./schemas.ts";

const noNamespace = "outside";

/**
 * What Prometheus scrapes beside the cluster's pods: targets with a `service` label and no `pod` label, of static or file
 * discovery. They are grouped into services by namespace (`outside` without such a label) and service.
 */
export function describeOutside(targets: readonly ScrapeTarget[]): OutsideService[] {
  const outside = targets.filter(({ labels }) => labels.service && !labels.pod);
  const byService = Map.groupBy(outside, ({ labels }) => `${labels.namespace || noNamespace}/${labels.service}`);
  return [...byService]
    .map(([id, own]) => {
      const [namespace = "", name = ""] = id.split("/");
      const instances = own.map(describeInstance).toSorted((a, b) => a.address.localeCompare(b.address));
      return {
        id,
        namespace,
        name,
        kind: own.find(({ labels }) => labels.kind)?.labels.kind ?? "",
        instances,
        ...judge(instances),
      };
    })
    .toSorted((a, b) => a.id.localeCompare(b.id));
}

function describeInstance({ labels, health, lastError, lastScrapeAt, scrapePool }: ScrapeTarget): OutsideInstance {
  return {
    address: labels.instance ?? "",
    job: labels.job ?? scrapePool,
    version: labels.version || null,
    state: health,
    lastError: lastError || null,
    lastScrapeAt,
  };
}

function judge(instances: readonly OutsideInstance[]): { health: Health; healthReason: string } {
  const count = (state: OutsideInstance["state"]) => instances.filter((instance) => instance.state === state).length;
  const [up, down] = [count("up"), count("down")];
  if (up + down === 0) return { health: "unknown", healthReason: "Prometheus has not scraped it yet." };
  if (down === 0)
    return { health: "healthy", healthReason: up === 1 ? "It answers Prometheus." : `All ${up} answer Prometheus.` };
  const reason = instances.find(({ state }) => state === "down")?.lastError;
  const sentence = `${down} of ${instances.length} ${down === 1 ? "does" : "do"} not answer Prometheus${reason ? `: ${reason}` : "."}`;
  return { health: up === 0 ? "down" : "degraded", healthReason: sentence };
}
