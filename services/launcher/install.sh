#!/bin/sh
# Installs the npm packages when package-lock.json is not the one they were installed from. Runs on the machine's own Node.
set -eu
cd "$(dirname "$0")/../.."

want=$(sha256sum package-lock.json | cut -d' ' -f1)
stamp=node_modules/.installed-from
if [ "$(cat "$stamp" 2>/dev/null || true)" = "$want" ]; then exit 0; fi

started=$(date +%s)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
printf 'npm packages ... '
# Prisma's own download of an engine is never needed: migrations run on the WebAssembly engine.
if ! PRISMA_SCHEMA_ENGINE_BINARY=/bin/true npm ci --no-audit --no-fund >"$log" 2>&1; then
  printf 'failed\n'
  tail -n 15 "$log" >&2
  echo "npm ci failed; the lines above say why. Mend it and run the command again." >&2
  exit 1
fi
echo "$want" >"$stamp"
printf 'installed (%s s)\n' "$(($(date +%s) - started))"
