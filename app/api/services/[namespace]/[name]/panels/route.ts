import { getPanels } from "#lib/domain/metrics/queries.ts";
import { route } from "#lib/web/route.ts";
import { getRuntime } from "#lib/web/runtime.ts";

export const GET = route(({ context, params, search }) => {
  const settings = { scrapeSeconds: getRuntime().env.SWITCHYARD_SCRAPE_INTERVAL_SECONDS };
  return getPanels(context, settings, params, search.range);
});
