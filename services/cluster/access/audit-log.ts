import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "#lib/runtime/logger.ts";

export type AuditUser = { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> };

/** An Event of audit.k8s.io/v1 at level Metadata: never anything of a body. */
export type AuditEvent = {
  kind: "Event";
  apiVersion: "audit.k8s.io/v1";
  level: "Metadata";
  auditID: string;
  stage: "ResponseComplete" | "ResponseStarted";
  requestURI: string;
  verb: string;
  user: AuditUser;
  impersonatedUser?: AuditUser;
  sourceIPs?: string[];
  userAgent?: string;
  objectRef?: Record<string, string>;
  responseStatus: { metadata: object; code: number; status?: string; reason?: string; message?: string };
  requestReceivedTimestamp: string;
  stageTimestamp: string;
  annotations?: Record<string, string>;
};

export type AuditLogOptions = {
  directory: string;
  logger: Logger;
  /** A file that has grown to this size is put aside as audit.log.1, .2 and so on. */
  maxBytes?: number;
  keptFiles?: number;
  /** What may wait to be written; beyond that events are lost, and said to be. */
  maxWaitingBytes?: number;
};

/** Writes events as JSON lines, many at a time, behind the requests that they tell of. */
export class AuditLog {
  readonly #options: Required<AuditLogOptions>;
  readonly #path: string;
  #file: FileHandle | undefined;
  #size = 0;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #writing: Promise<void> | undefined;

  constructor(options: AuditLogOptions) {
    this.#options = { maxBytes: 10 * 1024 * 1024, keptFiles: 9, maxWaitingBytes: 16 * 1024 * 1024, ...options };
    this.#path = join(options.directory, "audit.log");
  }

  append(event: AuditEvent): void {
    const line = `${JSON.stringify(event)}\n`;
    if (this.#waitingBytes + line.length > this.#options.maxWaitingBytes) {
      this.#lost += 1;
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    this.#writing ??= this.#write();
  }

  async stop(): Promise<void> {
    await this.#writing;
    await this.#file?.close();
    this.#file = undefined;
  }

  async #write(): Promise<void> {
    // The events of one turn go out together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const bytes = Buffer.from(this.#waiting.join(""));
      this.#waiting = [];
      this.#waitingBytes = 0;
      try {
        await this.#rotateIfLarge(bytes.length);
        this.#file ??= await this.#open();
        await this.#file.appendFile(bytes);
        this.#size += bytes.length;
      } catch (error) {
        this.#options.logger.error({ err: error, path: this.#path }, "the audit log could not be written");
      }
      if (this.#lost === 0) continue;
      this.#options.logger.error({ lost: this.#lost }, "audit events were lost: they came faster than the disk took them");
      this.#lost = 0;
    }
    this.#writing = undefined;
  }

  async #open(): Promise<FileHandle> {
    const file = await open(this.#path, "a", 0o600);
    this.#size = (await file.stat()).size;
    return file;
  }

  async #rotateIfLarge(more: number): Promise<void> {
    const { maxBytes, keptFiles } = this.#options;
    this.#file ??= await this.#open();
    if (this.#size === 0 || this.#size + more <= maxBytes) return;
    await this.#file.close();
    this.#file = undefined;
    await rm(`${this.#path}.${keptFiles}`, { force: true });
    for (let number = keptFiles - 1; number >= 0; number -= 1) {
      const from = number === 0 ? this.#path : `${this.#path}.${number}`;
      await rename(from, `${this.#path}.${number + 1}`).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
      });
    }
  }
}
