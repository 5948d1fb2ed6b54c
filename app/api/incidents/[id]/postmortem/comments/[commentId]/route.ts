import { changeComment } from "#lib/domain/incidents/postmortem/comments.ts";
import { route } from "#lib/web/route.ts";

export const PATCH = route(({ context, params, body }) =>
  changeComment(context, { id: params.id ?? "", commentId: params.commentId ?? "" }, body),
);
