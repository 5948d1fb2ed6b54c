import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSecretsManager } from "./secrets.ts";

test("a command is asked by name and prints JSON", async () => {
  const folder = mkdtempSync(join(tmpdir(), "secrets-"));
  try {
    const command = join(folder, "fetch");
    writeFileSync(command, '#!/bin/sh\nprintf \'{"%s": "for %s", "NOISE": 1}\' "$1" "$1"\n');
    chmodSync(command, 0o700);
    expect(await openSecretsManager(`exec:${command}`)(["HUB_TOKEN"])).toEqual({ HUB_TOKEN: "for HUB_TOKEN" });
    await expect(openSecretsManager(`exec:${join(folder, "none")}`)(["HUB_TOKEN"])).rejects.toThrow("ENOENT");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a Vault is asked with its token, and a refusal is named", async () => {
  const server = createServer((request, response) => {
    const isKnown = request.url === "/v1/secret/data/edge" && request.headers["x-vault-token"] === "root";
    response
      .writeHead(isKnown ? 200 : 403)
      .end(JSON.stringify({ data: { data: { HUB_TOKEN: "kept", OTHER: "not asked for" } } }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const url = `vault+http://127.0.0.1:${port}/v1/secret/data/edge`;
  try {
    expect(await openSecretsManager(url, { token: "root" })(["HUB_TOKEN"])).toEqual({ HUB_TOKEN: "kept" });
    await expect(openSecretsManager(url, { token: "no" })(["HUB_TOKEN"])).rejects.toThrow(`127.0.0.1:${port} answered 403`);
  } finally {
    server.close();
  }
});
