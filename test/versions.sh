#!/usr/bin/env bash
# Runs the live tests that depend on QEMU once for each version of it: the distribution's, those that set-up has fetched
# (`bash setup/setup.sh qemu-versions`), and those in the folders that are named, each with qemu-system-x86_64,
# qemu-img, qemu-nbd and qemu-io. Ends with a table, and with 1 when a test failed anywhere.
#
#   bash test/versions.sh [FOLDER...]
#   bash test/versions.sh --newest     the core of them with the newest alone (`bash setup/setup.sh newest-qemu`), as in `npm test`
set -Euo pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${STILLPOINT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/stillpoint}
source "$project/setup/qemu-versions.sh"

rooms=(activities capture host qemu product)
core=(activities/{disks,instant,sweep}.test.ts qemu host/guard-on-guest.test.ts)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
table=()
passed=0 failed=0 skipped=0

# The product and the lab find QEMU and its tools by the PATH, as on a host.
run() {
  local name=$1 path=${2:+$2:}$PATH version counts from=$SECONDS
  version=$(PATH=$path qemu-img --version | sed -n '1s/^qemu-img version \([0-9.]*\).*/\1/p')
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

if [[ ${1:-} == --newest ]]; then
  shift
  suites=("${qemu_suites[-1]}")
  rooms=("${core[@]}")
else
  suites=("${qemu_suites[@]}")
  run distribution ""
fi
for suite in "${suites[@]}"; do
  if [[ -e $cache/qemu/$suite/packages ]]; then run "$suite" "$cache/qemu/$suite/bin"
  else table+=("$(printf '%-10s %-14s %s' - "$suite" 'not run: set-up has said why')"); fi
done
for folder in "$@"; do run "$folder" "$(realpath "$folder")"; done

printf '\n%-10s %-14s %6s %6s %7s\n' QEMU from passed failed skipped
printf '%s\n' "${table[@]}"
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
