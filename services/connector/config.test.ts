import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Variables } from "#lib/runtime/configuration.ts";
import { levelFor } from "#lib/runtime/log-filter.ts";
import { readConnectorConfiguration } from "./config.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "connector-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const needed = { MATRIX_HOST: "hub.example:443", MATRIX_TENANT_ID: "production", MATRIX_AUTH_TOKEN: "token" };

function writeConfig(text: string): string {
  const path = join(folder, "config.toml");
  writeFileSync(path, text);
  return path;
}

const read = (variables: Variables) => readConnectorConfiguration({ variables });

async function linesOf(variables: Variables): Promise<string[]> {
  const error = await read(variables).then(
    () => null,
    (thrown: Error) => thrown,
  );
  return error?.message.split("\n") ?? [];
}

describe("the connector's configuration", () => {
  test("has the guide's defaults when only what is needed is given", async () => {
    expect(await read(needed)).toMatchObject({
      hubs: [{ host: "hub.example", port: 443 }],
      faults: { latencyMs: 0, errorRatio: 0 },
      credentials: { tls: {} },
      credentialsCheckMs: 10_000,
      maxConcurrentScans: 10,
      timeoutMs: 300_000,
      allow: ["127.0.0.0/8", "::1"],
      health: { host: "0.0.0.0", port: 8080 },
    });
  });

  test("is read from the file of CONFIG_PATH, and variables win over it", async () => {
    const path = writeConfig(`
      [matrix]
      host = ["file.example:1443", "[::1]:8443"]
      tenant_id = "file"
      use_tls = false
      [connector]
      instance_id = "from-file"
      max_concurrent_scans = 3
      allow = ["10.0.0.0/8"]
      colour = "blue"
      [logging]
      level = "debug"
      format = "json"
    `);
    const config = await read({
      CONFIG_PATH: path,
      MATRIX_AUTH_TOKEN: "token",
      MATRIX_TENANT_ID: "variable",
      INSTANCE_ID: "",
    });
    expect(config).toMatchObject({
      hubs: [
        { host: "file.example", port: 1443 },
        { host: "::1", port: 8443 },
      ],
      tenant: "variable",
      instance: "from-file",
      credentials: { token: "token", tls: false },
      maxConcurrentScans: 3,
      allow: ["10.0.0.0/8"],
      unknownKeys: ["connector.colour"],
    });
  });

  test("takes LOG_FORMAT json, and no other", async () => {
    expect((await linesOf({ ...needed, LOG_FORMAT: "text" }))[0]).toMatch(/^LOG_FORMAT: got "text"; wants json/);
    expect(await linesOf({ ...needed, LOG_FORMAT: "json" })).toEqual([]);
  });

  test("takes the token from a file", async () => {
    const path = join(folder, "token");
    writeFileSync(path, "from file\n");
    const config = await read({ ...needed, MATRIX_AUTH_TOKEN: "", MATRIX_AUTH_TOKEN_FILE: path });
    expect(config.credentials.token).toBe("from file");
  });

  test("names every bad variable on a line of its own and shows no secret", async () => {
    const lines = await linesOf({
      MATRIX_HOST: "nowhere",
      MATRIX_AUTH_TOKEN: "hush",
      USE_TLS: "perhaps",
      CONNECTOR_ALLOW: "10.0.0.0/99",
    });
    expect(lines.map((line) => line.split(":")[0]).toSorted()).toEqual([
      "CONNECTOR_ALLOW",
      "MATRIX_HOST",
      "MATRIX_TENANT_ID",
      "USE_TLS",
    ]);
    expect(lines.join()).not.toContain("hush");
  });

  test("is refused when a named file is missing or is no TOML", async () => {
    expect((await linesOf({ ...needed, CONFIG_PATH: join(folder, "none.toml") }))[0]).toMatch(/^CONFIG_PATH: .*ENOENT/);
    expect((await linesOf({ ...needed, CONFIG_PATH: writeConfig("[matrix") }))[0]).toMatch(/^CONFIG_PATH: .*wants a TOML file/);
  });

  test.each([
    ["info", "info"],
    ["warn,other=debug", "warn"],
    ["warn,connector=debug", "debug"],
    ["off", "silent"],
  ])("honours RUST_LOG=%s as level %s", async (filter, level) => {
    expect(levelFor((await read({ ...needed, RUST_LOG: filter })).logFilter, "connector")).toBe(level);
  });
});
