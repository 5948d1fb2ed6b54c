/** A level of the log, in pino's words. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "silent";

/** RUST_LOG as env_logger reads it: a level for everything, and levels for targets by prefix. */
export type LogFilter = { defaultLevel: LogLevel; targets: { prefix: string; level: LogLevel }[] };

const levels: Record<string, LogLevel> = {
  off: "silent",
  error: "error",
  warn: "warn",
  info: "info",
  debug: "debug",
  trace: "trace",
};

/**
 * Parses `info`, `info,relay=debug`, `relay::commit=trace`, `relay` (all of it). Without a level for everything, the rest logs
 * errors only. Throws an Error that names the directive that is wrong.
 */
export function parseLogFilter(text: string): LogFilter {
  const [directives = ""] = text.split("/");
  const filter: LogFilter = { defaultLevel: "error", targets: [] };
  for (const directive of directives.split(",").map((part) => part.trim())) {
    if (directive === "") continue;
    const [target = "", levelText, ...rest] = directive.split("=").map((part) => part.trim());
    const alone = levels[target.toLowerCase()];
    if (levelText === undefined && alone) {
      filter.defaultLevel = alone;
      continue;
    }
    const level = levelText === undefined || levelText === "" ? "trace" : levels[levelText.toLowerCase()];
    if (!level || rest.length > 0 || !/^[A-Za-z0-9_:-]+$/.test(target)) throw new Error(`does not understand "${directive}"`);
    filter.targets.push({ prefix: target, level });
  }
  filter.targets.sort((a, b) => b.prefix.length - a.prefix.length);
  return filter;
}

/** The level for one target, e.g. `relay::commit`: that of the longest prefix that fits, else the one for everything. */
export function levelFor(filter: LogFilter, target: string): LogLevel {
  return filter.targets.find(({ prefix }) => target.startsWith(prefix))?.level ?? filter.defaultLevel;
}
