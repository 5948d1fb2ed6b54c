/** A program to run. It gets these variables beside PATH, LANG and TZ, and no others of this process. */
export type ProgramOptions = {
  command: string;
  args: string[];
  /** Secrets go here, never into `args`, which everybody on the machine can read. */
  env?: Record<string, string>;
  cwd?: string;
  /** What it reads; nothing by default. When it ends well without reading to the end, the rest is read and dropped. */
  input?: AsyncIterable<Uint8Array>;
  /** Ends the program and what it started. */
  signal?: AbortSignal;
};

/** A program that could not be started or did not end well. The message names it and repeats the end of what it said. */
export class ProgramError extends Error {
  override readonly name = "ProgramError";
  readonly program: string;
  /** Null when a signal ended it, or when it did not start. */
  readonly exitCode: number | null;
  /** The end of its standard error, at most 4,000 characters. */
  readonly stderr: string;

  constructor(program: string, exitCode: number | null, stderr: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.program = program;
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

/**
 * Runs a program and gives what it writes, at the reader's pace. Throws ProgramError at the end of it when it did not end well, and
 * the input's own error when that failed. A reader that stops early ends it. The kernel ends it when this process is killed.
 */
export declare function streamProgram(options: ProgramOptions): AsyncIterable<Uint8Array>;

/** Runs a program to its end. Resolves to what it wrote, of each at most 16 MiB. Throws as streamProgram. */
export declare function runProgram(options: ProgramOptions): Promise<{ stdout: string; stderr: string }>;
