import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runProgram } from "#lib/programs/program.ts";

const gibibyte = 1024 ** 3;

// About 180 MiB on a machine with time to spare, of which 105 are Node with its modules. Where others take the processors, V8
// collects buffers later: up to 254 MiB were seen at a load of 14 on two cores.
test("2 GiB are packed, stored and read back in memory that does not grow with them", { timeout: 240_000 }, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "switchyard-large-"));
  try {
    const program = fileURLToPath(new URL("test-large.ts", import.meta.url));
    const args = ["--disable-warning=ExperimentalWarning", program, folder, String(2 * gibibyte)];
    const { stdout } = await runProgram({ command: process.execPath, args });
    const { bytes, isSame, mostMemoryMiB } = JSON.parse(stdout);
    expect({ bytes, isSame }).toEqual({ bytes: 2 * gibibyte, isSame: true });
    expect(mostMemoryMiB).toBeLessThan(320);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
