import { addImage } from "#lib/domain/incidents/timeline/images.ts";
import { reply, route } from "#lib/web/route.ts";

export const POST = route(async ({ context, params, body }) => reply(201, await addImage(context, params.id ?? "", body)), {
  accepts: "image",
});
