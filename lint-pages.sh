#!/bin/sh
# The pages' scripts: the type check of their JSDoc and the linter, which run in Node.js and come from npm. Where these
# can't be had, a sentence says so and nothing is checked.
set -u
cd "$(dirname "$0")" || exit

skip() {
    echo "The pages' type check and linter are skipped: $1" >&2
    exit 0
}

for program in node npm; do
    command -v $program >/dev/null || skip "they need Node.js 20.19 or newer with npm, and there is no $program."
done
new='const [major, minor] = process.versions.node.split("."); process.exit(+major > 20 || +major === 20 && +minor >= 19 ? 0 : 1)'
node -e "$new" || skip "they need Node.js 20.19 or newer, and this is $(node --version)."

installed=node_modules/.package-lock.json
if ! [ $installed -nt package-lock.json ]; then
    echo "Installing what checks the pages into node_modules (40 MB, once) ..."
    log=$(mktemp)
    if ! npm ci --no-progress --fetch-retries 1 --fetch-retry-mintimeout 1000 --fetch-timeout 60000 >"$log" 2>&1; then
        unreachable=$(grep -Eio "E(NOTFOUND|AI_AGAIN|CONN[A-Z]*|[A-Z]*TIMEDOUT|IDLETIMEOUT|NETUNREACH|HOSTUNREACH|RR_[A-Z_]*|401|403|407|5[0-9][0-9])\b" "$log" | head -n 1)
        [ -n "$unreachable" ] || cat "$log" >&2
        rm -f "$log"
        [ -z "$unreachable" ] || skip "npm did not get them from its registry ($unreachable)."
        exit 1
    fi
    rm -f "$log"
    touch $installed
fi
node_modules/.bin/tsc --project . && node_modules/.bin/eslint --max-warnings 0 .
