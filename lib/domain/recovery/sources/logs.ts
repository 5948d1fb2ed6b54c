import type { Context } from "../../context.ts";
import type { PartSource } from "../archive/pack.ts";
import type { Subject } from "../schemas.ts";

/** The logs of a service's instances over the last hours, also of the runs before their last restarts. */
export declare function logsPart(
  context: Pick<Context, "kubernetes">,
  subject: Subject & { kind: "service" },
  hours: number,
): PartSource;
