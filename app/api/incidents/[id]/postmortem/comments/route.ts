import { addComment } from "#lib/domain/incidents/postmortem/comments.ts";
import { reply, route } from "#lib/web/route.ts";

export const POST = route(async ({ context, params, body, key }) =>
  reply(201, await addComment(context, { id: params.id ?? "", body, key })),
);
