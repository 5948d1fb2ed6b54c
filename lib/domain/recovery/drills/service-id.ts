import type { ServiceRef } from "../../fleet/schemas.ts";

/** "fleet/relay" */
export const serviceId = ({ namespace, name }: ServiceRef): string => `${namespace}/${name}`;
