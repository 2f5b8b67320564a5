#!/bin/bash
# Check that what the documents name is there: files, public names, internal functions; and that
# docs/architecture.md names every file of the library.  Public headers are a manual too: 100 columns.
# SPDX-License-Identifier: ISC
set -euo pipefail
cd "$(dirname "$0")/.."
documents=(*.md docs/*.md examples/README.md)

failures=0
complain() {
  echo "$*" >&2
  failures=$((failures + 1))
}

# named PATTERN: what in the documents matches, each once.
named() {
  grep -ohE "$1" "${documents[@]}" | sort -u
}

count=0
while read -r path; do
  [ -e "$path" ] || complain "there is no $path"
  count=$((count + 1))
done < <(
  named '[^/[:alnum:]](include|lib|tests|examples|docs|fuzz|\.ci)/[A-Za-z0-9_./-]*[A-Za-z0-9]' | cut -c 2-
  named '\btest-[a-z-]+\.c\b' | sed 's|^|tests/unit/|'
)
while read -r name; do
  grep -rqw -- "$name" include || complain "no public header has $name"
  count=$((count + 1))
done < <(named '\b(e2ee|E2EE)_[A-Za-z0-9_]*[A-Za-z0-9]\b' | grep -vxE 'E2EE_(VECTORS|INTEROP|RELOAD)')
while read -r function; do
  grep -rqw -- "$function" include lib examples || complain "there is no $function()"
  count=$((count + 1))
done < <(named '[A-Za-z0-9_]+\(\)' | tr -d '()')
for file in lib/*/*.[ch] lib/*/*/*.[ch]; do
  name=$(basename "${file%.?}")
  grep -q "\`$name\`" docs/architecture.md || complain "docs/architecture.md does not name $file"
done
while read -r line; do
  complain "over 100 columns: $line"
done < <(awk 'length > 100 { print FILENAME ":" FNR }' include/e2ee/*.h)
echo "$count names, $failures failures"
[ "$count" -gt 0 ] && [ "$failures" -eq 0 ]
