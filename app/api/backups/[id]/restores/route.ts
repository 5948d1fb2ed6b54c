import { listRestores, previewRestore } from "#lib/domain/recovery/restores/queries.ts";
import { startRestore } from "#lib/domain/recovery/restores/start.ts";
import { reply, route } from "#lib/web/route.ts";

/** The backup's restores; with ?preview=true what one would do now. */
export const GET = route(({ context, params, search }) => {
  const backupId = params.id ?? "";
  const { preview, ...rest } = search;
  return preview === "true" ? previewRestore(context, { backupId, search: rest }) : listRestores(context, { ...rest, backupId });
});

export const POST = route(async ({ context, params, body, key }) =>
  reply(201, await startRestore(context, { backupId: params.id ?? "", body, key })),
);
