# A guest that boots in seconds: the distribution's kernel for virtual machines, and an initramfs of busybox, the guest
# agent and a few modules. The packages are unpacked, not installed.

guest_wants=(virtio_pci virtio_console virtio_blk virtio_scsi sd_mod nvme ata_piix ahci)

need_guest() {
  local key
  key=$(cat "$here/guest.sh" "$here"/guest/* | sha256sum | cut -c 1-12)
  guest=$cache/guest/$key
  [[ -e $guest/vmlinuz && -e $guest/initramfs && -e $guest/qemu-ga ]] && return
  mkdir "$work/guest"
  build_guest "$work/guest"
  mkdir -p "$guest"
  # A machine may be booting from an older one.
  find "$cache/guest" -mindepth 1 -maxdepth 1 -mtime +7 -exec rm -r {} +
  rm -rf "$guest/agent"
  mv "$work/guest/vmlinuz" "$work/guest/initramfs" "$work/guest/agent" "$work/guest/qemu-ga" "$guest"
}

build_guest() {
  local making=$1 kernel=()
  mapfile -t kernel < <(find_kernel_packages)
  if ((${#kernel[@]} == 0)); then
    refresh_package_lists
    mapfile -t kernel < <(find_kernel_packages)
  fi
  ((${#kernel[@]})) || fail "This distribution has no kernel package that set-up knows." \
    "Set-up looks for linux-image-cloud-amd64 (Debian) and linux-image-virtual (Ubuntu)."
  say "guest: unpacking ${kernel[*]}, busybox-static, qemu-guest-agent"
  unpack_packages "$making/packages" "${kernel[@]}" busybox-static qemu-guest-agent cpio
  cp "$(find "$making/packages/boot" -name 'vmlinuz-*' | head -n 1)" "$making/vmlinuz"
  chmod 644 "$making/vmlinuz"

  say "guest: building its initramfs"
  local root=$making/root
  mkdir -p "$root"/{bin,lib,lib64,modules,proc,sys,dev,run,mnt}
  busybox=$(find "$making/packages" -path '*/bin/busybox' | head -n 1)
  install -m 755 "$busybox" "$root/bin/busybox"
  local applet
  for applet in $("$busybox" --list | grep -vx busybox); do ln -s busybox "$root/bin/$applet"; done
  install -m 755 "$here"/guest/{init,workload,shell} "$root"
  local wanted
  for wanted in "${guest_wants[@]}"; do
    list_module "$making" "$wanted" >"$root/modules/$wanted.list"
  done
  add_agent "$making" "$root"
  local cpio
  cpio=$(find "$making/packages" -name cpio -type f -path '*/bin/*' | head -n 1)
  (cd "$root" && find . | "$cpio" --create --format newc --quiet) | gzip -1 >"$making/initramfs"
}

# The packages behind the name that always means the newest: the image, and its modules where they come apart.
find_kernel_packages() {
  local name image
  for name in linux-image-cloud-amd64 linux-image-virtual linux-image-amd64; do
    image=$(packages_needed_by "$name" | grep -m 1 '^linux-image-[0-9]') || continue
    echo "$image"
    packages_needed_by "$image" | grep '^linux-modules-[0-9]' || true
    return
  done
}

packages_needed_by() { apt-cache depends --important "$1" 2>/dev/null | sed -n 's/^ *Depends: //p'; }

# Unpacks a module and all it depends on into the image, and prints them in the order in which they are loaded. One
# that is built into the kernel, or that this kernel does not have, is not there and not missed.
list_module() {
  local making=$1 name=$2 file dependency
  file=$(find "$making/packages" -path '*/modules/*' -name "${name//_/[-_]}.ko*" | head -n 1)
  [[ $file ]] || return 0
  local unpacked=$making/root/modules/$name.ko
  [[ -e $unpacked ]] || case $file in
    *.xz) "$busybox" xzcat "$file" >"$unpacked" ;;
    *.gz) gzip -dc "$file" >"$unpacked" ;;
    *.zst) zstd_cat "$making" "$file" >"$unpacked" ;;
    *) cp "$file" "$unpacked" ;;
  esac
  for dependency in $(tr '\0' '\n' <"$unpacked" | sed -n 's/^depends=//p' | tr ',' ' '); do
    list_module "$making" "${dependency//-/_}"
  done
  echo "$name.ko"
}

zstd_cat() {
  if command -v zstd >/dev/null; then zstd -dcq "$2"; return; fi
  [[ -e $1/zstd ]] || unpack_packages "$1/zstd" zstd >&2
  "$1/zstd/usr/bin/zstd" -dcq "$2"
}

# The agent with the libraries of this machine, which QEMU uses too; those it lacks come from packages.
add_agent() {
  local making=$1 root=$2 agent libraries
  agent=$(find "$making/packages" -name qemu-ga -type f | head -n 1)
  libraries=$making/libraries
  mkdir "$libraries"
  if ldd "$agent" | grep -q 'not found'; then
    local needed=()
    mapfile -t needed < <(packages_needed_by qemu-guest-agent | grep '^lib')
    unpack_packages "$libraries" "${needed[@]}" libpcre2-8-0
  fi
  local path
  path=$(find "$libraries" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd :)
  local resolved
  resolved=$(LD_LIBRARY_PATH=$path ldd "$agent")
  ! grep -q 'not found' <<<"$resolved" ||
    fail "The guest agent lacks libraries:" "$(grep 'not found' <<<"$resolved")"
  install -m 755 "$agent" "$root/bin/qemu-ga"
  sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' <<<"$resolved" | xargs -I {} cp -L {} "$root/lib"
  cp -L /lib64/ld-linux-x86-64.so.2 "$root/lib64"

  # The same agent for this machine, for tests of its protocol. It is installed nowhere.
  mkdir "$making/agent"
  cp "$root/bin/qemu-ga" "$root"/lib/* "$root"/lib64/* "$making/agent"
  cat >"$making/qemu-ga" <<'SCRIPT'
#!/bin/sh
agent=$(dirname "$0")/agent
exec "$agent/ld-linux-x86-64.so.2" --library-path "$agent" "$agent/qemu-ga" "$@"
SCRIPT
  chmod 755 "$making/qemu-ga"
}
