#!/usr/bin/env bash
# Runs the live tests that depend on QEMU once for each version of it: the distribution's, those that set-up has fetched
# (`bash setup/setup.sh qemu-versions`), and those in the folders that are named, each with qemu-system-x86_64,
# qemu-img, qemu-nbd and qemu-io; what a folder lacks of the tools is the host's, as on a host whose VMs run on an old QEMU.
# Firmware beside a QEMU is its own. Ends with a table, and with 1 when a test failed anywhere.
#
#   bash test/versions.sh [FOLDER...]
#   bash test/versions.sh --only FOLDER...    those folders alone
#   bash test/versions.sh --newest     the core of them with the newest alone (`bash setup/setup.sh newest-qemu`), as in `npm test`
set -Euo pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${STILLPOINT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/stillpoint}
source "$project/setup/qemu-versions.sh"

rooms=(activities capture crash host product qemu torture.test.ts)
core=(activities/{disks,instant,sweep}.test.ts qemu host/guard-on-guest.test.ts)
log=$(mktemp)
wrappers=$(mktemp -d)
trap 'rm -rf "$log" "$wrappers"' EXIT
table=()
passed=0 failed=0 skipped=0

# The product and the lab find QEMU and its tools by the PATH, as on a host.
run() {
  local name=$1 path=${2:+$2:}$PATH version counts from=$SECONDS
  version=$(PATH=$path qemu-system-x86_64 --version | sed -n '1s/^QEMU emulator version \([0-9.]*\).*/\1/p')
  printf '\nQEMU %s (%s)\n\n' "$version" "$name"
  (cd "$project" && PATH=$path npx vitest run --project live "${rooms[@]/#/test/live/}") 2>&1 | tee "$log"
  local ended=${PIPESTATUS[0]}
  counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -n 1 | tr -dc '0-9 ')
  # A run that ends badly without a failed test has failed all the same.
  read -r p f s <<<"${counts:-0 0 0}"
  ((ended == 0 || f > 0)) || f=1
  ((passed += p, failed += f, skipped += s))
  table+=("$(printf '%-10s %-14s %6d %6d %7d %5d s' "$version" "$name" "$p" "$f" "$s" $((SECONDS - from)))")
}

# The tools of a folder are taken as they are. A QEMU with firmware beside it is started with that.
wrapped() {
  local folder wrapper tool
  folder=$(realpath "$1")
  wrapper=$wrappers/$(basename "$folder")
  mkdir -p "$wrapper"
  for tool in qemu-system-x86_64 qemu-img qemu-nbd qemu-io; do
    # A tool without its siblings is of no use: they must agree with each other.
    [[ $tool != qemu-system-x86_64 && ! -x $folder/qemu-io ]] && continue
    printf '#!/bin/sh\nexec "%s" %s"$@"\n' "$folder/$tool" \
      "$([[ $tool == qemu-system-x86_64 && -e $folder/bios-256k.bin ]] && printf -- '-L "%s" ' "$folder")" >"$wrapper/$tool"
    chmod +x "$wrapper/$tool"
  done
  printf '%s' "$wrapper"
}

if [[ ${1:-} == --newest ]]; then
  shift
  suites=("${qemu_suites[-1]}")
  rooms=("${core[@]}")
elif [[ ${1:-} == --only ]]; then
  shift
  [[ $# -gt 0 ]] || { echo "versions.sh --only: name a folder with a QEMU in it" >&2; exit 2; }
  suites=()
else
  suites=("${qemu_suites[@]}")
  run distribution ""
fi
for suite in "${suites[@]}"; do
  if [[ -e $cache/qemu/$suite/packages ]]; then run "$suite" "$cache/qemu/$suite/bin"
  else table+=("$(printf '%-10s %-14s %s' - "$suite" 'not run: set-up has said why')"); fi
done
for folder in "$@"; do
  if [[ -x $folder/qemu-system-x86_64 ]]; then run "$(basename "$folder")" "$(wrapped "$folder")"
  else table+=("$(printf '%-10s %-14s %s' - "$(basename "$folder")" 'not run: no such folder, or no QEMU in it')"); fi
done

printf '\n%-10s %-14s %6s %6s %7s\n' QEMU from passed failed skipped
printf '%s\n' "${table[@]}"
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
