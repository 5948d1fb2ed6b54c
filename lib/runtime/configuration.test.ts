import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { type Configuration, pemFile, readConfiguration, type Variables } from "./configuration.ts";
import { envValue } from "./env.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "configuration-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const configuration = {
  schema: z.object({
    HUB_ADDRESS: envValue.text().default("hub:8443"),
    EDGE_BUFFER_SIZE: envValue.integer(1, 100).default(10),
    ALLOW: envValue.text().default("::1"),
    HUB_TOKEN: envValue.text(),
    OTHER_TOKEN: envValue.text().default("none"),
    CA_FILE: pemFile().optional(),
  }),
  secrets: ["HUB_TOKEN", "OTHER_TOKEN"],
  fileKeys: { "matrix.host": "HUB_ADDRESS" },
} satisfies Configuration<z.ZodObject>;

const read = (variables: Variables, args: string[] = []) => readConfiguration(configuration, { variables, args });

async function complaints(source: Variables): Promise<string[]> {
  const error = await read(source).then(
    () => null,
    (thrown: Error) => thrown,
  );
  return error?.message.split("\n") ?? [];
}

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe("a daemon's configuration", () => {
  test("is read from the TOML file, by the variables' names or by their own, and variables win", async () => {
    const path = write("config.toml", '[matrix]\nhost = "file:1"\n[edge]\nbuffer_size = 7\n[top]\ncolour = "blue"\n');
    const both = write("both.toml", 'allow = ["10.0.0.0/8", "::1"]\n[edge]\nbuffer_size = 7\n');
    expect(await read({ CONFIG_PATH: path, HUB_TOKEN: "t" })).toMatchObject({
      settings: { HUB_ADDRESS: "file:1", EDGE_BUFFER_SIZE: 7 },
      unknownKeys: ["top.colour"],
    });
    const { settings } = await read({ CONFIG_PATH: path, HUB_TOKEN: "t", EDGE_BUFFER_SIZE: "8" }, ["--config", both]);
    expect(settings).toMatchObject({ HUB_ADDRESS: "hub:8443", EDGE_BUFFER_SIZE: 8, ALLOW: "10.0.0.0/8,::1" });
  });

  test("knows in the TOML file only settings, and the files of secrets", async () => {
    const settings =
      'ca_file = "ca"\nvault_token_file = "/none"\n[hub]\ntoken_file = "t"\naddress_file = "a"\n[colour]\nfile = "x"\n';
    const variables = { CONFIG_PATH: write("config.toml", settings), CA_FILE: write("ca", "-----BEGIN "), HUB_TOKEN: "t" };
    const { unknownKeys } = await read({ ...variables, VAULT_TOKEN: "v" });
    expect(unknownKeys).toEqual(["hub.address_file", "colour.file"]);
  });

  test("takes a secret from its variable, else its file, else the secrets manager", async () => {
    const file = write("token", "from-file\n");
    const vault = join(folder, "vault");
    mkdirSync(vault);
    writeFileSync(join(vault, "HUB_TOKEN"), "from-manager");
    writeFileSync(join(vault, "OTHER_TOKEN"), "other-from-manager\n");
    const manager = { SECRETS_MANAGER: `directory:${vault}` };
    const token = async (source: Variables) => (await read({ ...manager, ...source })).settings.HUB_TOKEN;
    expect(await token({ HUB_TOKEN: "set", HUB_TOKEN_FILE: file })).toBe("set");
    expect(await token({ HUB_TOKEN_FILE: file })).toBe("from-file");
    expect(await token({})).toBe("from-manager");
    expect((await read(manager)).settings.OTHER_TOKEN).toBe("other-from-manager");
    const toml = { CONFIG_PATH: write("tokens.toml", '[hub]\ntoken = "from-toml"\n') };
    expect(await token(toml)).toBe("from-manager");
    expect(await token({ ...toml, SECRETS_MANAGER: undefined })).toBe("from-toml");
    expect(await token({ VAULT_TOKEN: "set", VAULT_TOKEN_FILE: "/nowhere" })).toBe("from-manager");
  });

  test("names everything that is wrong at once, each under its variable, and no secret", async () => {
    const source = { HUB_TOKEN_FILE: "/nowhere", EDGE_BUFFER_SIZE: "many", CONFIG_PATH: "/none.toml", CA_FILE: write("ca", "x") };
    expect(await complaints(source)).toEqual([
      expect.stringMatching(/^CONFIG_PATH: got "\/none\.toml"; wants a TOML file \(ENOENT/),
      expect.stringMatching(/^HUB_TOKEN_FILE: got "\/nowhere"; wants a file that can be read \(ENOENT/),
      'EDGE_BUFFER_SIZE: got "many"; wants a whole number from 1 to 100',
      expect.stringMatching(/^CA_FILE: .* wants a PEM file \(it holds no PEM block\)/),
    ]);
    expect(await complaints({ HUB_TOKEN: "t", EDGE_BUFFER_SIZE: "http://me:hush@host/" })).toEqual([
      "EDGE_BUFFER_SIZE: got a value (not shown); wants a whole number from 1 to 100",
    ]);
    expect(await complaints({})).toEqual(["HUB_TOKEN: it is not set; wants some text"]);
    expect(await complaints({ SECRETS_MANAGER: "aws:x" })).toEqual([
      "SECRETS_MANAGER: got a value (not shown); cannot be asked (wants directory:/path, exec:/path or vault+https://host/v1/MOUNT/data/PATH)",
      "HUB_TOKEN: it is not set; wants some text",
    ]);
  });

  test("shows no part of the secrets manager's URL, which may hold a password", async () => {
    for (const scheme of ["vault", "vault+http"]) {
      const [complaint] = await complaints({ SECRETS_MANAGER: `${scheme}://me:hush@127.0.0.1:1/v1/secret/data/edge` });
      expect(complaint).toMatch(/^SECRETS_MANAGER: got a value \(not shown\); cannot be asked \(wants /);
      expect(complaint).not.toContain("hush");
    }
  });

  test("may lack the file at the default path, but no other one", async () => {
    const optional = { ...configuration, defaultPath: join(folder, "absent.toml") };
    expect((await readConfiguration(optional, { variables: { HUB_TOKEN: "t" } })).settings.EDGE_BUFFER_SIZE).toBe(10);
    const variables = { HUB_TOKEN: "t", CONFIG_PATH: join(folder, "no.toml") };
    await expect(readConfiguration(optional, { variables })).rejects.toThrow("CONFIG_PATH");
  });
});
