#!/bin/sh
# Check vectors of our own of one family: own.sh E2EE_VECTORS_PROGRAM FAMILY stored|fresh.
#   stored  those in tests/data/vectors
#   fresh   two files generated now, which must differ, unless there is nothing random in the family
# Where this build has none of a file's algorithms the test is skipped (status 77).
# SPDX-License-Identifier: ISC
set -eu
program=$1 family=$2 which=$3
data=$(cd "$(dirname "$0")/../data/vectors" && pwd)
if [ "$which" = fresh ]; then
  data=$(mktemp -d)
  trap 'rm -rf "$data"' EXIT
  "$program" --generate "$family" >"$data/$family.json"
  "$program" --generate "$family" >"$data/$family-again.json"
  if [ "$family" != tree-math ] && cmp -s "$data/$family.json" "$data/$family-again.json"; then
    echo "failed: two generated files are the same"
    exit 1
  fi
fi
status=0
output=$("$program" "$family" "$data/$family"*.json) || status=$?
echo "$output"
if [ "$status" -eq 0 ] && ! echo "$output" | grep -q ' [1-9][0-9]* passed'; then
  exit 77
fi
exit "$status"
