#!/bin/sh
# Builds a container's root file system in the mount namespace that this script already runs in, then becomes its command:
#   sandbox.sh ROOT HOSTNAME OPERATION... -- COMMAND...
# Operations, each of its own arguments, in order:
#   bind SRC DST | robind SRC DST | tmpfs DST MODE | dir DST MODE | copy PATTERNS DST | link TARGET DST | proc DST | ro-root | workdir DIR
# Descriptor 3 gets one line: "sandbox WHY" when it failed; from check-command.sh "command WHY" or, just before the command, "ok".
set -u
root=$1
hostname=$2
shift 2
readonly_root=
container_path=$PATH
PATH=/usr/sbin:/usr/bin:/sbin:/bin
workdir=/

fail() {
  printf 'sandbox %s\n' "$(printf %s "$1" | tr '\n' ' ')" >&3
  exit 125
}

run() {
  message=$("$@" 2>&1) || fail "$message"
}

place_for() {
  if [ -d "$1" ]; then
    mkdir -p "$root$2" 2>/dev/null || fail "cannot make the mount point $2"
  elif [ -e "$1" ]; then
    mkdir -p "$root${2%/*}" 2>/dev/null || fail "cannot make the mount point $2"
    [ -e "$root$2" ] || : >"$root$2" || fail "cannot make the mount point $2"
  else
    fail "$1 does not exist"
  fi
}

read_only() {
  mount -o remount,bind,ro "$1" 2>/dev/null && return
  # In a user namespace the flags that the host's mount has are locked and must be repeated.
  run mount -o "remount,bind,ro,$(findmnt -nfo VFS-OPTIONS -T "$1" | sed 's/\brw\b,\?//')" "$1"
}

run hostname "$hostname"
run mount -t tmpfs -o mode=0755,size=512m tmpfs "$root"
while [ "$1" != -- ]; do
  operation=$1
  shift
  case $operation in
    bind) place_for "$1" "$2"; run mount --rbind "$1" "$root$2"; shift 2 ;;
    robind) place_for "$1" "$2"; run mount --rbind "$1" "$root$2"; read_only "$root$2"; shift 2 ;;
    tmpfs) run mkdir -p "$root$1"; run mount -t tmpfs -o "mode=$2,size=64m" tmpfs "$root$1"; shift 2 ;;
    dir) run mkdir -p "$root$1"; run chmod "$2" "$root$1"; shift 2 ;;
    copy) run mkdir -p "$root$2"; for source in $1; do [ -e "$source" ] && run cp -R "$source" "$root$2/"; done; shift 2 ;;
    link) run ln -s "$1" "$root$2"; shift 2 ;;
    proc) run mkdir -p "$root$1"; mount -t proc proc "$root$1" 2>/dev/null || run mount --rbind /proc "$root$1"; shift ;;
    ro-root) readonly_root=yes ;;
    workdir) workdir=$1; shift ;;
    *) fail "unknown operation $operation" ;;
  esac
done
shift

run mkdir -p "$root/.old-root"
[ -d "$root$workdir" ] || run mkdir -p "$root$workdir"
cd "$root" || fail "cannot enter $root"
run pivot_root . .old-root
umount -l /.old-root || fail "cannot leave the host's root"
rmdir /.old-root
[ -z "$readonly_root" ] || run mount -o remount,ro,bind /
cd "$workdir" || fail "cannot enter the working directory $workdir"
PATH=$container_path
unset OLDPWD
exec "$@"
