#!/bin/sh
# performance.sh [BUILD]: measure, and write the figures and the plot of docs/performance.md anew.
# Takes some minutes; nothing else should run meanwhile.  SPDX-License-Identifier: ISC
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$top/build}
results=$(mktemp)
trap 'rm -f "$results"' EXIT
for what in group/ message/ keypackage/ frame/; do
  "$build/tests/e2ee-bench" --json --filter "$what" >>"$results"
done
"$top/tests/bench/plot.py" "$results" "$top/docs/performance.md" "$top/docs/performance.svg"
