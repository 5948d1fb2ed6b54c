import { expect, test } from "vitest";
import { openStorage } from "./open-storage.ts";
import { parseStorageUrl } from "./settings.ts";

const credentials = { accessKeyId: "id", secretAccessKey: "hunter2" };

test("a directory is named by its path", () => {
  expect(parseStorageUrl("file:///var/lib/my%20backups")).toEqual({ kind: "directory", path: "/var/lib/my backups" });
  expect(openStorage(parseStorageUrl("file:///var/backups")).name).toBe("file:///var/backups");
});

test("a bucket is named with what is set beside it", () => {
  expect(parseStorageUrl("s3://backups", null)).toEqual({
    kind: "s3",
    bucket: "backups",
    prefix: "",
    endpoint: null,
    region: "us-east-1",
    credentials: null,
  });
  const settings = parseStorageUrl("s3://backups/prod/eu/?endpoint=https://store.example.com/&region=eu-central-1", credentials);
  expect(settings).toEqual({
    kind: "s3",
    bucket: "backups",
    prefix: "prod/eu",
    endpoint: "https://store.example.com",
    region: "eu-central-1",
    credentials,
  });
  expect(openStorage(settings).name).toBe("s3://backups/prod/eu at https://store.example.com");
});

test.each([
  ["", "Name the storage as"],
  ["/var/backups", "Name the storage as"],
  ["https://store.example.com/backups", "Name the storage as"],
  ["file://host/var", "Name the directory as"],
  ["file:///", "Name the directory as"],
  ["s3://", "Name the bucket as"],
  ["s3://b/x?acl=public", "no acl"],
  ["s3://backups?endpoint=ftp://host", "Name the endpoint as"],
  ["s3://backups/a b", "The prefix after the bucket"],
  ["s3://id:hunter2@backups", "holds no credentials"],
  ["s3://backups?endpoint=https://id:hunter2@host", "holds no credentials"],
])("%j is refused with a sentence that repeats no secret", (text, message) => {
  expect(() => parseStorageUrl(text)).toThrow(message);
  expect(() => parseStorageUrl(text)).not.toThrow("hunter2");
});
