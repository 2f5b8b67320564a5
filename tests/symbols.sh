#!/bin/bash
# Check that the shared library exports exactly the functions that the public headers declare, and
# that the version script names exactly those: symbols.sh LIBRARY.
# SPDX-License-Identifier: ISC
set -euo pipefail
library=$(realpath "$1")
cd "$(dirname "$0")/.."

header=$(cat include/e2ee/*.h | tr '\n' ' ' | grep -oE '\bE2EE_API [^;(]*\(' |
  sed -nE 's/.*[ *](e2ee_[a-z0-9_]+)\($/\1/p' | sort)
map=$(sed -nE 's/^ +(e2ee_[a-z0-9_]+);$/\1/p' lib/e2ee.map | sort)
exported=$(nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort)

status=0
compare() {
  diff --label "$1" --label "$3" -u0 <(echo "$2") <(echo "$4") >&2 || status=1
}
compare 'public headers' "$header" lib/e2ee.map "$map"
compare 'public headers' "$header" 'exported by the library' "$exported"
[ "$(cat include/e2ee/*.h | grep -c '^E2EE_API')" -eq "$(wc -l <<<"$header")" ] ||
  { echo "a declaration in the headers was not understood" >&2 && status=1; }
[ "$status" -ne 0 ] || echo "$(wc -l <<<"$header") functions"
exit "$status"
