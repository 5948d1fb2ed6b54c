import { changeComment, removeComment } from "#lib/domain/incidents/postmortem/comments.ts";
import { type RouteInput, route } from "#lib/web/route.ts";

const ref = ({ params }: RouteInput) => ({ id: params.id ?? "", commentId: params.commentId ?? "" });

export const PATCH = route((input) => changeComment(input.context, ref(input), input.body));
export const DELETE = route((input) => removeComment(input.context, ref(input)));
