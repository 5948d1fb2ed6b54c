import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { CreateBucketCommand, ListMultipartUploadsCommand, S3Client } from "@aws-sdk/client-s3";
import { bound, killGroup, runProgram } from "#lib/programs/program.ts";
import { freePort } from "#lib/runtime/testing/free-port.ts";
import { openStorage } from "./open-storage.ts";
import { parseStorageUrl } from "./settings.ts";
import type { ObjectStorage } from "./storage.ts";

const credentials = { accessKeyId: "test:tester", secretAccessKey: "testing" };
const startTimeoutMs = 60_000;

/** An S3-compatible store of one's own on loopback: OpenStack Swift of Debian, with its S3 API. */
export type Swift = {
  endpoint: string;
  credentials: typeof credentials;
  /** The storage "s3://bucket/prefix" of a new bucket. */
  makeStorage(bucket: string, prefix?: string): Promise<ObjectStorage>;
  /** Uploads of a bucket that were begun and are neither completed nor taken back. */
  countUploads(bucket: string): Promise<number>;
  stop(): Promise<void>;
};

/** Starts Swift's four servers in a temporary folder. Needs swift-proxy, swift-account, swift-container and swift-object. */
export async function startSwift(): Promise<Swift> {
  const folder = await mkdtemp(path.join(tmpdir(), "switchyard-swift-"));
  const children: ChildProcess[] = [];
  const stop = async () => {
    await Promise.all(
      children.map(async (child) => {
        const ended = child.exitCode === null && child.signalCode === null ? once(child, "exit") : null;
        killGroup(child);
        await ended;
      }),
    );
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await mkdir(path.join(folder, "devices", "disk"), { recursive: true });
    await writeFile(
      path.join(folder, "swift.conf"),
      "[swift-hash]\nswift_hash_path_prefix = a\nswift_hash_path_suffix = b\n[storage-policy:0]\nname = only\ndefault = yes\n",
    );
    await Promise.all(["account", "container", "object"].map(async (kind) => children.push(await startBackend(folder, kind))));
    const port = await freePort();
    children.push(await startServer(folder, "proxy", proxyConfiguration(folder, port)));
    const endpoint = `http://127.0.0.1:${port}`;
    const client = new S3Client({ region: "us-east-1", endpoint, forcePathStyle: true, credentials, maxAttempts: 1 });
    await waitUntilReady(folder, client, children);
    return {
      endpoint,
      credentials,
      makeStorage: async (bucket, prefix = "") => {
        await client.send(new CreateBucketCommand({ Bucket: bucket }));
        return openStorage(parseStorageUrl(`s3://${bucket}/${prefix}?endpoint=${endpoint}`, credentials));
      },
      countUploads: async (bucket) =>
        (await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function waitUntilReady(folder: string, client: S3Client, children: ChildProcess[]): Promise<void> {
  const giveUpAt = Date.now() + startTimeoutMs;
  for (;;) {
    try {
      await client.send(new CreateBucketCommand({ Bucket: "ready" }));
      return;
    } catch (error) {
      if (Date.now() < giveUpAt && children.every(({ exitCode }) => exitCode === null)) {
        await delay(100);
        continue;
      }
      const logs = await Promise.all(
        ["proxy", "account", "container", "object"].map((kind) => readFile(logOf(folder, kind), "utf8")),
      );
      throw new Error(`Swift did not start: ${logs.join("").slice(-2_000)}`, { cause: error });
    }
  }
}

async function startBackend(folder: string, kind: string): Promise<ChildProcess> {
  const port = await freePort();
  const builder = path.join(folder, `${kind}.builder`);
  const makeRing = (...args: string[]) => runProgram({ command: "swift-ring-builder", args: [builder, ...args], cwd: folder });
  await makeRing("create", "2", "1", "0");
  await makeRing("add", `r1z1-127.0.0.1:${port}/disk`, "1");
  await makeRing("rebalance");
  return startServer(
    folder,
    kind,
    `${defaults(folder, port)}devices = ${path.join(folder, "devices")}
mount_check = false
[pipeline:main]
pipeline = ${kind}-server
[app:${kind}-server]
use = egg:swift#${kind}
`,
  );
}

async function startServer(folder: string, kind: string, configuration: string): Promise<ChildProcess> {
  const file = path.join(folder, `${kind}.conf`);
  await writeFile(file, configuration);
  const { command, args } = bound(`swift-${kind}-server`, [file]);
  const child = spawn(command, args, { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const log = createWriteStream(logOf(folder, kind));
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  await once(child, "spawn");
  return child;
}

function logOf(folder: string, kind: string): string {
  return path.join(folder, `${kind}.log`);
}

function defaults(folder: string, port: number): string {
  return `[DEFAULT]
swift_dir = ${folder}
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = ${userInfo().username}
log_level = ERROR
`;
}

function proxyConfiguration(folder: string, port: number): string {
  return `${defaults(folder, port)}[pipeline:main]
pipeline = catch_errors cache listing_formats s3api tempauth bulk slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = ${credentials.secretAccessKey} .admin
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
`;
}
