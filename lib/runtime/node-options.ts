/**
 * Node's options that keep the controller and its recovery process small (e2e/slow/backup-memory.test.ts). On a large machine a young
 * generation may grow to 64 MiB and then holds as much of what streams have already passed on. WebAssembly (Prisma's compiler of
 * queries) is compiled once, not again for speed that queries do not gain by: that takes 40 MB of malloc's heap.
 */
export const controllerOptions = ["--max-semi-space-size=2", "--no-wasm-dynamic-tiering", "--no-wasm-tier-up"];

/** For a process that much is streamed through: glibc would keep what its threads have freed in an arena for each of them. */
export const streamEnvironment = { MALLOC_ARENA_MAX: "2" };
