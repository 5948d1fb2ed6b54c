const maxWaiting = 256;

/**
 * Merges several sources in the order in which their items come. At most 256 items wait; then the sources are held back. A source
 * that throws ends the merge with its error; leaving the merge early returns every source.
 */
export async function* merge<T>(sources: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  const waiting: T[] = [];
  let running = sources.length;
  let failure: unknown;
  let isOver = false;
  let wakeReader = () => {};
  let wakeWriters: (() => void)[] = [];

  async function pump(source: AsyncGenerator<T>): Promise<void> {
    try {
      for await (const item of source) {
        waiting.push(item);
        wakeReader();
        while (waiting.length >= maxWaiting && !isOver) await new Promise<void>((resolve) => wakeWriters.push(resolve));
        if (isOver) return;
      }
    } catch (error) {
      failure ??= error;
    } finally {
      running -= 1;
      wakeReader();
    }
  }

  for (const source of sources) void pump(source);
  try {
    for (;;) {
      const item = waiting.shift();
      if (item !== undefined) {
        yield item;
        const writers = wakeWriters;
        wakeWriters = [];
        for (const wake of writers) wake();
      } else if (failure !== undefined) throw failure;
      else if (running === 0) return;
      else {
        await new Promise<void>((resolve) => {
          wakeReader = resolve;
        });
      }
    }
  } finally {
    isOver = true;
    for (const wake of wakeWriters) wake();
  }
}
