import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSecretsManager } from "./secrets.ts";

test("a command is asked by name and prints JSON; what it prints else is not repeated", async () => {
  const folder = mkdtempSync(join(tmpdir(), "secrets-"));
  try {
    const command = join(folder, "fetch");
    writeFileSync(command, '#!/bin/sh\nprintf \'{"%s": "for %s", "NOISE": 1}\' "$1" "$1"\n');
    chmodSync(command, 0o700);
    expect(await openSecretsManager(`exec:${command}`)(["HUB_TOKEN"])).toEqual({ HUB_TOKEN: "for HUB_TOKEN" });
    writeFileSync(command, "#!/bin/sh\necho hush-hush\n");
    await expect(openSecretsManager(`exec:${command}`)(["HUB_TOKEN"])).rejects.toThrow(
      new Error(`${command} did not print a JSON object`),
    );
    await expect(openSecretsManager(`exec:${join(folder, "none")}`)(["HUB_TOKEN"])).rejects.toThrow("ENOENT");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a Vault is asked with its token, and a refusal is named; an answer that is none is not repeated", async () => {
  const server = createServer((request, response) => {
    if (request.url === "/bare") return response.end("hush-hush");
    const isKnown = request.url === "/v1/secret/data/edge" && request.headers["x-vault-token"] === "root";
    return response
      .writeHead(isKnown ? 200 : 403)
      .end(JSON.stringify({ data: { data: { HUB_TOKEN: "kept", OTHER: "not asked for" } } }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const url = `vault+http://127.0.0.1:${port}/v1/secret/data/edge`;
  try {
    expect(await openSecretsManager(url, { token: "root" })(["HUB_TOKEN"])).toEqual({ HUB_TOKEN: "kept" });
    await expect(openSecretsManager(url, { token: "no" })(["HUB_TOKEN"])).rejects.toThrow(`127.0.0.1:${port} answered 403`);
    await expect(openSecretsManager(`vault+http://127.0.0.1:${port}/bare`)(["HUB_TOKEN"])).rejects.toThrow(
      new Error(`127.0.0.1:${port} did not answer as Vault's KV engine, version 2, does`),
    );
  } finally {
    server.close();
  }
});
