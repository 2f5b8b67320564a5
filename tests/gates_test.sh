#!/bin/bash
# Check what tests/gates.sh makes of gates that pass, fail, are skipped, hang, or run nothing.
# SPDX-License-Identifier: ISC
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/gates.sh

counted() { echo "3 passed, 0 failed, 1 skipped"; }
uncounted() { echo "3 tests were fine"; }
failing() { false; echo "3 passed, 0 failed"; } # ends at the false
crashing() { echo "3 passed, 0 failed"; exit 1; }
losing() { echo "3 passed, 2 failed"; exit 1; }
missing() { exit 77; }
empty() { echo "0 passed, 0 failed, 0 skipped"; }
hanging() { sleep 1000 & echo $! >"$hung"; sleep 1000; }
export -f counted uncounted failing crashing losing missing empty hanging
hung=$(mktemp)
export hung
trap 'rm "$hung"' EXIT

# sums PASSED FAILED SKIPPED
sums() {
  [ "$gates_passed $gates_failed $gates_skipped" = "$*" ] && return
  echo "$gates_passed passed, $gates_failed failed, $gates_skipped skipped, and not $*" >&2
  exit 1
}
gates_end && { echo "nothing has run, and it passes" >&2; exit 1; }
gate 'missing' 1 missing && sums 0 0 1
gates_end && { echo "nothing has passed, and it passes" >&2; exit 1; }
gate 'counted' 1 counted && sums 3 0 2
gate 'uncounted' 1 uncounted && sums 4 0 2
gates_end || { echo "all has passed, and it fails" >&2; exit 1; }
gate 'failing' 1 failing && sums 4 1 2
gate 'crashing' 1 crashing && sums 7 2 2
gate 'losing' 1 losing && sums 10 4 2
gate 'empty' 1 empty && sums 10 5 2
gates_minutes=0
gate 'hanging' 1 hanging && sums 10 6 2
gates_end && { echo "six have failed, and it passes" >&2; exit 1; }
# Gone, or waiting to be reaped.
if state=$(sed 's/.*) \(.\).*/\1/' "/proc/$(cat "$hung")/stat" 2>/dev/null) && [ "$state" != Z ]; then
  echo "what hung still runs" >&2
  exit 1
fi
echo "gates add up"
