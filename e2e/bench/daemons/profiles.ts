import type { AreaOptions } from "./report.ts";

/** Variables of a daemon that is to leave a CPU profile when it ends; none when nothing is profiled. */
export function profileVariables({ profileDir }: Pick<AreaOptions, "profileDir">): Record<string, string> {
  return profileDir ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileDir}` } : {};
}
