# QEMUs of other Debian releases, for `npm run test:versions`. Their packages are unpacked into the cache, each release
# with all the libraries it needs, and started through their own loader. Nothing of the machine changes: apt works in
# folders of its own, with the machine's mirror, and the keys that the machine's own packages bring.

# From the oldest to the newest.
qemu_suites=(bullseye bookworm trixie forky)
qemu_tools=(qemu-system-x86_64 qemu-img qemu-nbd qemu-io)

# The QEMUs of these releases. One that cannot be had is reported, and no reason to fail.
need_qemu_versions() {
  local suite mirror keyring reason
  find_mirror && unpack_keyring || return 0
  for suite in "$@"; do
    need_qemu_of "$suite" || say "QEMU of $suite: left out, for $reason"
  done
}

# The machine's own mirror, asked of apt, which has found that it is Debian's. A fresh machine has no lists yet.
find_mirror() {
  mirror=$(own_mirror)
  [[ $mirror ]] || { (refresh_package_lists) && mirror=$(own_mirror); }
  [[ $mirror ]] || say "other QEMUs: left out, for they come from Debian, and this machine's packages do not"
  [[ $mirror ]]
}

own_mirror() {
  apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(CODENAME) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    sed -n 's/^Debian main [a-z]* //p' | head -n 1
}

# Newer than what is installed, perhaps: it then knows the keys of newer releases.
unpack_keyring() {
  (unpack_packages "$work/keyring" debian-archive-keyring) || { say "other QEMUs: left out, for their keys are not to be had"; return 1; }
  keyring=$work/keyring/usr/share/keyrings/debian-archive-keyring.gpg
}

need_qemu_of() {
  local suite=$1 folder=$cache/qemu/$1 packages own
  own=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  if [[ $own == "$suite" ]]; then reason="this machine has it"; return 1; fi
  configure_apt "$folder/apt" "$suite"
  if ! apt_of "$folder" update; then
    reason="its package lists are not to be had; see above"
    [[ -e $folder/packages ]] || return 1
    say "QEMU of $suite: $(qemu_version_of "$folder") as it is, for $reason"
    return
  fi
  packages=$(apt_of "$folder" install --print-uris qemu-system-x86 qemu-utils | cut -d ' ' -f 2) ||
    { reason="its packages do not fit together; see above"; return 1; }
  # The wrappers are made by this very file.
  packages+=$'\n'$(sha256sum "$here/qemu-versions.sh" | cut -c 1-12)
  if ! cmp -s "$folder/packages" - <<<"$packages"; then
    say "QEMU of $suite: fetching $(grep -c '\.deb$' <<<"$packages") packages"
    fetch_qemu "$folder" || return 1
    echo "$packages" >"$folder/packages"
  fi
  say "QEMU of $suite: $(qemu_version_of "$folder") in $folder/bin"
}

# As on a machine that has no package at all: so apt finds everything that QEMU needs, down to the C library.
configure_apt() {
  local folder=$1 suite=$2
  mkdir -p "$folder"/{lists/partial,cache/archives/partial}
  : >"$folder/status"
  cp "$keyring" "$folder/keyring.gpg"
  echo "deb [signed-by=$folder/keyring.gpg] $mirror $suite main" >"$folder/sources.list"
  cat >"$folder/apt.conf" <<CONF
Dir::Etc::SourceList "$folder/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "$folder";
Dir::State::status "$folder/status";
Dir::Cache "$folder/cache";
Acquire::Languages "none";
Acquire::GzipIndexes "true";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
APT::Architecture "amd64";
APT::Architectures "amd64";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
CONF
}

# Read after the machine's own configuration, so that its proxies hold and its hooks do not.
apt_of() { apt-get -c "$1/apt/apt.conf" --quiet=2 --yes "${@:2}" </dev/null; }

fetch_qemu() {
  local folder=$1 archives=$1/apt/cache/archives file tool
  # Of a run that was cut off, perhaps of other versions.
  rm -f "$archives"/*.deb
  rm -rf "$folder"/{packages,root,bin}
  mkdir "$folder"/{root,bin}
  reason="its packages could not be fetched; see above"
  apt_of "$folder" install --download-only qemu-system-x86 qemu-utils || return 1
  reason="its packages could not be unpacked; see above"
  for file in "$archives"/*.deb; do dpkg -x "$file" "$folder/root" || return 1; done
  rm "$archives"/*.deb
  for tool in "${qemu_tools[@]}"; do
    write_wrapper "$folder" "$tool"
    reason="its $tool does not start; see above"
    "$folder/bin/$tool" --version >/dev/null || return 1
  done
}

# The name that `ps` and the product know a process by is the tool's, not the loader's.
write_wrapper() {
  local folder=$1 tool=$2 root=$1/root loader libraries more=()
  loader=$(find "$root"/{,usr/}lib -name 'ld-*.so*' -type f 2>/dev/null | head -n 1)
  libraries=$(find "$root"/{,usr/}lib -name '*.so.*' -printf '%h\n' 2>/dev/null | sort -u | paste -sd :)
  [[ $tool == qemu-system-* ]] && more=(-L "$root/usr/share/qemu" -L "$root/usr/share/seabios" -L "$root/usr/lib/ipxe/qemu")
  cat >"$folder/bin/$tool" <<WRAPPER
#!/bin/bash
export QEMU_MODULE_DIR=$(printf %q "$root/usr/lib/x86_64-linux-gnu/qemu")
exec -a $tool $(printf '%q ' "$loader" --library-path "$libraries" "$root/usr/bin/$tool" "${more[@]}")"\$@"
WRAPPER
  chmod 755 "$folder/bin/$tool"
}

qemu_version_of() { "$1/bin/qemu-img" --version | sed -n '1s/^qemu-img version \([0-9.]*\).*/\1/p'; }
