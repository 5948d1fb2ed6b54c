import { getImage } from "#lib/domain/incidents/timeline/images.ts";
import { answerImage } from "#lib/web/download.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(async ({ context, params }) =>
  answerImage(await getImage(context, params.id ?? "", params.imageId ?? "")),
);
