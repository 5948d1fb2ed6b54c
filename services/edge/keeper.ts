import type { ReadingBlock } from "#lib/protocol/hub-batch.ts";
import { createFaults, injectInOrder } from "#lib/runtime/faults.ts";
import type { DurableBuffer } from "./durable-buffer.ts";
import type { OfflineBuffer, Reading } from "./offline-buffer.ts";
import type { SensorSocketOptions } from "./sensor-socket.ts";

export type KeeperOptions = {
  buffer: OfflineBuffer;
  /** The same buffer, when it is on disk. */
  durable?: DurableBuffer | undefined;
  /** Readings were put into a buffer in memory. */
  onKept: () => void;
  /** So many readings came, whether or not they are kept. */
  onTaken: (count: number) => void;
  faults?: { latencyMs: number; errorRatio: number } | undefined;
};

/** Puts what sensors say into the buffer, at once when it is in memory. */
export function createKeeper(options: KeeperOptions): Pick<SensorSocketOptions, "onReading" | "onBlock"> {
  const { buffer, durable, onKept, onTaken, faults } = options;
  const injectFault = faults && injectInOrder(createFaults(faults));

  function take(count: number, keep: () => Promise<void> | void): Promise<void> | void {
    onTaken(count);
    if (!injectFault) return keep();
    return injectFault().then((isRefused) => {
      if (isRefused) throw new Error("refused by FAULT_ERROR_RATIO");
      return keep();
    });
  }

  return {
    onReading: (reading) =>
      take(1, () => {
        if (durable) return durable.keep([reading]);
        buffer.push(reading);
        onKept();
      }),
    onBlock: (readings) =>
      take(readings.count, () => {
        if (durable) return durable.keep(parseAll(readings));
        buffer.pushBlock(readings);
        onKept();
      }),
  };
}

/** On disk a reading is a line of JSON, so that its value must be JSON and on one line. Throws SyntaxError when one is not. */
function parseAll(readings: ReadingBlock): Reading[] {
  return [...readings].map(({ sensor, atMs, value }) => ({ sensor, atMs, value: JSON.stringify(JSON.parse(value.toString())) }));
}
