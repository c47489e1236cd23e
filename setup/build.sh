# dist/, which `npx --no-install stillpoint` and the demo run.

need_build() {
  local stamp=$project/dist/.built
  if [[ -e $stamp ]] && [[ -z $(newer_sources "$stamp") ]]; then return; fi
  say "building dist/"
  (cd "$project" && npm run --silent build) || fail "npm run build failed; its message is above."
  touch "$stamp"
}

# Folders too: their time tells that a file was taken away.
newer_sources() {
  find "$project" \( -name node_modules -o -name dist -o -name test -o -name '.*' ! -path "$project" \) -prune -o \
    \( -type d ! -path "$project" -o -name '*.ts' -o -path "$project/package-lock.json" -o -path "$project/tsconfig*.json" \) \
    -newer "$1" -print -quit
}
