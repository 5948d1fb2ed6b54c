import type { Database } from "#lib/database/client.ts";
import { scenarios } from "../schemas.ts";
import { drillName } from "./stored.ts";

type Since = { impactStartedAt: Date; resolvedAt: Date | null };

/** Whether the newest drill of this name ("instance fleet/relay") since an incident has met its objective. Unknown when there was none. */
export async function proveByDrill(
  db: Pick<Database, "drill">,
  key: string,
  { impactStartedAt, resolvedAt }: Since,
): Promise<{ verdict: "passed" | "failed" | "unknown"; message: string }> {
  const [scenario = "", subject = ""] = key.split(" ");
  if (!scenarios.some((one) => one === scenario) || subject === "") {
    return { verdict: "unknown", message: `There is no drill "${key}": name its scenario and service, as instance fleet/relay.` };
  }
  const newest = await db.drill.findFirst({
    where: { scenario, subject, state: { in: ["completed", "failed"] }, startedAt: { gt: resolvedAt ?? impactStartedAt } },
    orderBy: { createdAt: "desc" },
  });
  if (!newest)
    return { verdict: "unknown", message: `The drill ${key} was not carried out since: begin it on the page of drills.` };
  const message = `${drillName(newest)}: ${newest.message}`;
  if (newest.verdict === "met") return { verdict: "passed", message };
  return { verdict: newest.verdict === "missed" ? "failed" : "unknown", message };
}
