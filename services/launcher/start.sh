#!/bin/sh
# npm start: installs what is missing, then hands over to the launcher on the Node that came with the packages.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sh "$here/install.sh"
node="$here/../../node_modules/.bin/node"
[ -x "$node" ] || node=node
if [ "$("$node" -p 'Number(process.versions.node.split(".")[0]) >= 24')" != true ]; then
  echo "Switchyard needs Node 24 or newer; $("$node" --version) is too old. Install a newer one and run npm start again." >&2
  exit 1
fi
exec "$node" --disable-warning=ExperimentalWarning "$here/main.ts" "$@"
