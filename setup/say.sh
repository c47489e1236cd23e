# What set-up says.

say() { printf 'setup: %s\n' "$*"; }

# One line says what is wrong, each further one what to do.
fail() {
  printf 'setup: %s\n' "$1" >&2
  shift
  for advice in "$@"; do printf '       %s\n' "$advice" >&2; done
  exit 1
}
