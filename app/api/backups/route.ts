import { listBackups } from "#lib/domain/recovery/backups/queries.ts";
import { createBackup } from "#lib/domain/recovery/backups/queue.ts";
import { reply, route } from "#lib/web/route.ts";

export const GET = route(({ context, search }) => listBackups(context, search));

export const POST = route(async ({ context, body, key }) => reply(201, await createBackup(context, { body, key })));
