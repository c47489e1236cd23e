# Node and the packages of package-lock.json.

need_node() {
  command -v node >/dev/null && command -v npm >/dev/null ||
    fail "Node.js and npm are missing." "Install Node.js 20.19 or newer, then run this again."
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    fail "Node.js $(node --version) is too old." "Install Node.js 20.19 or newer, then run this again."
}

need_npm_packages() {
  local difference
  difference=$(node "$here/lock-difference.mjs" "$project") && return
  say "npm packages: $difference; running npm ci."
  (cd "$project" && npm ci --no-audit --no-fund --loglevel=error) ||
    fail "npm ci failed; its message is above." "Is the npm registry within reach?"
}
