#!/bin/bash
# Does a branch or an address depend on a secret?  Runs tests/timing under valgrind, to which
# secrets are undefined memory, with OpenSSL and without it; the last line is `N passed, N failed, N
# skipped`.  What may depend on one is in tests/timing/timing.supp, each with its reason.
#
#   tests/timing.sh [PART-OF-A-NAME]        such as hpke, group/5, frames: only these cases
#
# Uses the folders of .ci/run, which it sets up if they are not there.  About four minutes.
# SPDX-License-Identifier: ISC
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v valgrind >/dev/null || [ ! -e /usr/include/valgrind/memcheck.h ]; then
  echo 'valgrind is missing: 0 passed, 0 failed, 1 skipped'
  exit 77
fi

log=$(mktemp)
trap 'rm "$log"' EXIT
passed=0 failed=0 skipped=0

# watch FOLDER OPENSSL [PART-OF-A-NAME]
watch() {
  local folder=$1 openssl=$2 counts status=0
  shift 2
  [ -f "$folder/build.ninja" ] || meson setup "$folder" "-Dopenssl=$openssl" >/dev/null
  ninja -C "$folder" tests/timing/e2ee-timing >"$log" || { cat "$log" && exit 1; }
  counts=$(valgrind -q --error-limit=no --num-callers=30 --suppressions=tests/valgrind.supp \
    --suppressions=tests/timing/timing.supp "$folder/tests/timing/e2ee-timing" "$@" 2>"$log") ||
    status=$?
  # The self-check's reports are as they should be.
  [ "$status" -eq 0 ] || sed '/^== self-check/,/^== [^s]/d' "$log" | head -200
  echo "$folder, OpenSSL $openssl:"
  echo "$counts"
  if [[ $counts =~ ([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2]))
    skipped=$((skipped + BASH_REMATCH[3]))
  else
    failed=$((failed + 1))
  fi
}

watch build enabled "$@"
watch build-gcc-plain disabled "$@"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
