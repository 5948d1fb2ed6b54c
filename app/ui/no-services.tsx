import type { Feed } from "#lib/domain/fleet/schemas.ts";
import { Empty } from "./notices.tsx";

/** Why there are no services: the cluster was not read, or it has none. */
export function NoServices({ feeds, hidden = 0 }: { feeds: Feed[]; hidden?: number }) {
  const kubernetes = feeds.find((feed) => feed.name === "kubernetes");
  if (kubernetes && kubernetes.state !== "connected") {
    return (
      <Empty title="The cluster has not been read">
        {kubernetes.lastError ?? "Switchyard is connecting."} Services appear here as soon as Kubernetes answers.
      </Empty>
    );
  }
  return (
    <Empty title="No services yet">
      {hidden > 0
        ? "Only other kinds run here; “All kinds” shows them."
        : "A Deployment appears here once it carries the label switchyard.dev/kind with the value relay, connector, hub or edge."}
    </Empty>
  );
}
