import { listPeople } from "#lib/domain/users/commands.ts";
import { route } from "#lib/web/route.ts";

export const GET = route(({ context }) => listPeople(context));
