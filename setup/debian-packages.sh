# QEMU and its tools, and readers of NBD, from the distribution. A command that is there is taken as it is, whoever installed it.

# nbdcopy and nbdinfo are what tests read exports with.
tools=(qemu-system-x86_64 qemu-img qemu-nbd qemu-io nbdcopy nbdinfo openssl mkfs.ext4)

package_of() {
  case $1 in
    qemu-system-x86_64) echo qemu-system-x86 ;;
    qemu-*) echo qemu-utils ;;
    nbd*) echo libnbd-bin ;;
    openssl) echo openssl ;;
    mkfs.ext4) echo e2fsprogs ;;
  esac
}

need_tools() {
  [[ $(uname -m) == x86_64 ]] ||
    fail "The guest for tests and demo is made for x86_64, and this machine is $(uname -m)."
  local missing=() tool
  for tool in "${tools[@]}"; do
    command -v "$tool" >/dev/null || missing+=("$(package_of "$tool")")
  done
  ((${#missing[@]} == 0)) && return
  mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
  local advice="Install what gives you these commands, then run this again: ${tools[*]}"
  command -v apt-get >/dev/null || fail "Missing: ${missing[*]}; and there is no apt-get here." "$advice"
  say "installing from the distribution: ${missing[*]}"
  install_packages "${missing[@]}" || {
    refresh_package_lists
    install_packages "${missing[@]}" || fail "apt-get could not install ${missing[*]}; its message is above." "$advice"
  }
}

# Nothing that is installed is upgraded by name, and nothing is removed.
install_packages() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 \
    --no-install-recommends --no-upgrade --no-remove "$@" </dev/null
}

lists_are_fresh=no
refresh_package_lists() {
  [[ $lists_are_fresh == yes ]] && return
  say "refreshing the distribution's package lists"
  as_root apt-get update --quiet=2 || fail "apt-get update failed; its message is above." "Are the distribution's packages within reach?"
  lists_are_fresh=yes
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "This needs root: $*" "Run it as root, or install sudo, then run this again."
  fi
}

# Unpacks packages into a folder without installing them: no service starts, nothing of the machine changes.
unpack_packages() {
  local into=$1
  shift
  command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
    fail "The guest is made of Debian's packages ($*), and there is no apt-get here."
  local downloads=$work/downloads
  mkdir "$downloads"
  (cd "$downloads" && download_packages "$@")
  mkdir -p "$into"
  local file
  for file in "$downloads"/*.deb; do dpkg -x "$file" "$into"; done
  rm -r "$downloads"
}

download_packages() {
  apt-get download --quiet=2 -o APT::Sandbox::User=root "$@" 2>/dev/null && return
  refresh_package_lists
  apt-get download --quiet=2 -o APT::Sandbox::User=root "$@" ||
    fail "apt-get could not download $*; its message is above."
}
