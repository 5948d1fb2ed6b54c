/** A folder of one's own under the work directory, readable by this user alone. */
export type ScratchFolder = {
  path: string;
  /** Removes it with what is in it. */
  remove(): Promise<void>;
};

/** Makes a folder for a piece of work. It is kept while this process runs; sweepScratch removes it when it was killed. */
export declare function makeScratchFolder(workDir: string, purpose: string): Promise<ScratchFolder>;

/**
 * Removes the scratch folders whose owner is gone, and ends the servers that still run in them. Returns how many. To be called when
 * a process starts, and from time to time: several processes and machines may share a work directory.
 */
export declare function sweepScratch(workDir: string): Promise<number>;
