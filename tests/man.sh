#!/bin/bash
# Check the man pages: no warning, every page that another one points to is there, and every function
# that the library exports has one: man.sh FOLDER.
# SPDX-License-Identifier: ISC
set -euo pipefail
pages=$1
cd "$(dirname "$0")/.."
command -v man >/dev/null || { echo "skipped: there is no man(1)" && exit 77; }

failures=0
complain() {
  echo "$*" >&2
  failures=$((failures + 1))
}

count=0
for page in "$pages"/*.3; do
  target=$(sed -n 's/^\.so man3\///p' "$page")
  if [ -n "$target" ]; then
    [ -f "$pages/$target" ] || complain "$page points to $target, which is not there"
    continue
  fi
  warnings=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l "$page" 2>&1 >/dev/null)
  [ -z "$warnings" ] || complain "$warnings"
  count=$((count + 1))
done
while read -r function; do
  grep -qE "^\.SS.*\b$function\(\)" "$pages"/*.3 || complain "$function() is on no page"
  [ -f "$pages/$function.3" ] || complain "$function(3) is not there"
done < <(sed -nE 's/^ +(e2ee_[a-z0-9_]+);$/\1/p' lib/e2ee.map)
echo "$count pages, $failures failures"
[ "$count" -gt 0 ] && [ "$failures" -eq 0 ]
