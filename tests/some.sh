#!/bin/bash
# Run some tests of a build folder; the last line counts them.  Meson passes over names that it does
# not know; this refuses them.
#
#   tests/some.sh FOLDER TEST... [-- MESON-TEST-OPTION...]
# SPDX-License-Identifier: ISC
set -euo pipefail
folder=$1
shift
names=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  names+=("$1")
  shift
done
[ $# -eq 0 ] || shift
known=$(meson test -C "$folder" --no-rebuild --list 2>/dev/null)
for name in "${names[@]}"; do
  grep -q " / $name\$" <<<"$known" || { echo "There is no test $name." >&2; exit 1; }
done
status=0
meson test -C "$folder" --no-rebuild --print-errorlogs "$@" "${names[@]}" || status=$?
python3 -B "$(dirname "$0")/count.py" "$folder"
exit "$status"
