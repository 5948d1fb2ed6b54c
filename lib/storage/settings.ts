import { fileURLToPath } from "node:url";

/** For S3. Null: those of the machine (AWS_... variables, its role). */
export type StorageCredentials = { accessKeyId: string; secretAccessKey: string; sessionToken?: string };

/** A store takes 10,000 parts at most: 12 MiB each make archives of 117 GiB, and memory holds a few parts at a time. */
export const s3PartBytes = 12 * 1024 * 1024;
export const mostS3Bytes = s3PartBytes * 10_000;

export type S3Settings = {
  kind: "s3";
  bucket: string;
  /** Without slashes at its ends; "" for none. */
  prefix: string;
  /** Null: AWS itself. */
  endpoint: string | null;
  region: string;
  credentials: StorageCredentials | null;
};

export type StorageSettings = { kind: "directory"; path: string } | S3Settings;

/** How an S3-compatible store is called for people: "s3://bucket/prefix at https://...". */
export function storageName({ bucket, prefix, endpoint }: S3Settings): string {
  return `s3://${bucket}${prefix === "" ? "" : `/${prefix}`}${endpoint === null ? "" : ` at ${endpoint}`}`;
}

/**
 * "file:///dir" or "s3://bucket/prefix?endpoint=https://...&region=..." (region: us-east-1 when none is named).
 * Throws an Error with a sentence that says what is wrong; it never repeats what stands where credentials could.
 */
export function parseStorageUrl(text: string, credentials: StorageCredentials | null = null): StorageSettings {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.username || url?.password)
    throw new Error("A storage address holds no credentials: give them in variables of their own.");
  if (url?.protocol === "file:") {
    if (url.host !== "" || url.pathname.length < 2) throw new Error("Name the directory as file:///path/to/it.");
    return { kind: "directory", path: fileURLToPath(url) };
  }
  if (url?.protocol !== "s3:")
    throw new Error("Name the storage as file:///path, or as s3://bucket/prefix?endpoint=...&region=...");
  const unknown = [...url.searchParams.keys()].find((name) => name !== "endpoint" && name !== "region");
  if (unknown !== undefined) throw new Error(`A storage address has endpoint and region, but no ${unknown}.`);
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(url.host)) throw new Error("Name the bucket as s3://bucket/prefix.");
  const prefix = url.pathname.replace(/^\/+|\/+$/g, "");
  if (!/^[A-Za-z0-9._/-]*$/.test(prefix) || prefix.includes("//")) {
    throw new Error('The prefix after the bucket has letters, digits, ".", "_" and "-", parted by "/".');
  }
  return {
    kind: "s3",
    bucket: url.host,
    prefix,
    endpoint: parseEndpoint(url.searchParams.get("endpoint")),
    region: url.searchParams.get("region") || "us-east-1",
    credentials,
  };
}

function parseEndpoint(text: string | null): string | null {
  if (text === null || text === "") return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.username || url?.password)
    throw new Error("A storage address holds no credentials: give them in variables of their own.");
  if (url?.protocol !== "http:" && url?.protocol !== "https:")
    throw new Error("Name the endpoint as https://host or http://host:port.");
  return url.href.replace(/\/+$/, "");
}
