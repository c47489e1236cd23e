#!/usr/bin/env bash
# Brings all that tests and demo need to this machine: npm packages, QEMU, a small guest, the Temporal CLI, the build.
# May run again at any time: what is there stays, and a run with nothing to do takes less than a second.
# With `qemu-versions` it brings the QEMUs of other Debian releases too.
#
#   STILLPOINT_CACHE         where things are kept. Default: ${XDG_CACHE_HOME:-~/.cache}/stillpoint
#   STILLPOINT_TEMPORAL_CLI  a Temporal CLI of your own
set -Eeuo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(dirname "$here")
cache=${STILLPOINT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/stillpoint}
# Where a user who is not root finds mkfs.
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C.UTF-8

source "$here/say.sh"
source "$here/npm-packages.sh"
source "$here/debian-packages.sh"
source "$here/temporal-cli.sh"
source "$here/guest.sh"
source "$here/qemu-versions.sh"
source "$here/build.sh"

mkdir -p "$cache" || fail "$cache: cannot be made." "Name a folder of your own in STILLPOINT_CACHE."
# Two set-ups at once would unpack over each other.
exec 9>"$cache/lock"
flock --nonblock 9 || { say "Another set-up is running; waiting for it."; flock 9; }
# All that is half done lies here, and nothing of it stays.
work=$cache/work
rm -rf "$work"
mkdir "$work"
trap 'rm -rf "$work"' EXIT
trap 'fail "line $LINENO of ${BASH_SOURCE[0]##*/} failed: $BASH_COMMAND"' ERR

need_node
need_npm_packages
need_tools
need_temporal_cli
need_guest
node "$here/record.mjs" "$cache/setup.json" \
  "temporal=$temporal_cli" "kernel=$guest/vmlinuz" "initramfs=$guest/initramfs" \
  "agent=$guest/qemu-ga"
need_build
case ${1:-} in
  qemu-versions) need_qemu_versions "${qemu_suites[@]}" ;;
  newest-qemu) need_qemu_versions "${qemu_suites[-1]}" ;;
esac
say "Ready. QEMU: $(command -v qemu-system-x86_64), Temporal CLI: $temporal_cli, guest: $guest"
