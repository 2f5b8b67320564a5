#!/bin/bash
# How much of lib/ do the tests run?  Lists lines that never run, and branches that are never taken
# and have no reason in tests/coverage.txt; fails where there are more of them than there were.
# coverage.py says what counts.
#
#   tests/coverage.sh [-k]        -k: keep what was counted before, and run no test
#
# About ten minutes.
# SPDX-License-Identifier: ISC
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/debian.sh
need_packages gcovr

folder=build-coverage
[ -f "$folder/build.ninja" ] ||
  meson setup "$folder" -Db_coverage=true -Doptimization=0 -Dopenssl=enabled >/dev/null
if [ "${1-}" != -k ]; then
  ninja -C "$folder" >/dev/null
  find "$folder" -name '*.gcda' -delete
  # All that runs the library: not what looks at its source.
  CK_TIMEOUT_MULTIPLIER=10 meson test -C "$folder" --no-rebuild --quiet --timeout-multiplier 10 \
    --print-errorlogs --suite unit --suite vectors --suite own-vectors --suite model --suite fuzz \
    --suite installed
fi
gcovr --root . --filter lib/ --json "$folder/coverage.json" "$folder/lib"
python3 -B tests/coverage.py "$folder/coverage.json" tests/coverage.txt
