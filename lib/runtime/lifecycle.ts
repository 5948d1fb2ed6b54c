import type { Logger } from "#lib/runtime/logger.ts";

/** Something that was started and is stopped again when the process ends. */
export type Stoppable = { name: string; stop: () => Promise<void> | void };

/** Settings of a process's one shutdown. */
export type ShutdownOptions = {
  logger: Logger;
  /** The parts in the order in which they are stopped. */
  parts: Stoppable[];
  /** After this many milliseconds the process ends with exit code 1, whatever still runs. */
  timeoutMs: number;
};

/**
 * Installs the one shutdown of a process. The first SIGTERM or SIGINT stops the parts in order and exits 0; a second one ends at
 * once with exit code 130. A process that was started with an IPC channel also stops when its parent is gone. An uncaught error
 * is logged, and the process stops with exit code 1.
 */
export function onShutdown({ logger, parts, timeoutMs }: ShutdownOptions): void {
  let stopping = false;
  let signals = 0;

  async function stop(reason: string, exitCode: number): Promise<void> {
    if (stopping) return;
    stopping = true;
    logger.info({ reason }, "stopping");
    const timer = setTimeout(() => {
      logger.error({ timeoutMs }, "stopping took too long");
      process.exit(1);
    }, timeoutMs);
    let code = exitCode;
    for (const part of parts) {
      try {
        await part.stop();
      } catch (error) {
        code = 1;
        logger.error({ err: error, part: part.name }, "a part did not stop cleanly");
      }
    }
    clearTimeout(timer);
    logger.info("stopped");
    process.exit(code);
  }

  function onSignal(signal: NodeJS.Signals): void {
    signals += 1;
    if (signals > 1) process.exit(130);
    void stop(signal, 0);
  }

  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  if (process.send) {
    const onGone = () => void stop("parent process is gone", 0);
    process.on("disconnect", onGone);
    // It may have gone before anybody listened.
    if (!process.connected) onGone();
  }
  process.on("uncaughtException", (error) => {
    logger.fatal({ err: error }, "uncaught error");
    void stop("uncaught error", 1);
  });
}
