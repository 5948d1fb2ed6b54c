# Runs inside the container, as its user: names a command that cannot be run before it becomes the container's process.
command -v "$1" >/dev/null 2>&1 || {
  printf 'command exec: "%s": executable file not found in $PATH\n' "$1" >&3
  exit 127
}
printf "ok\n" >&3
exec 3>&-
exec "$@"
