import type { Actor } from "../context.ts";

/** Switchyard itself, as incidents and their audit name it. */
export const switchyard: Actor = { kind: "system", id: null, name: "Switchyard", role: "admin" };
