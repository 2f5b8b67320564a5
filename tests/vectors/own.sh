#!/bin/bash
# Check vectors of our own of one family: own.sh E2EE_VECTORS_PROGRAM FAMILY stored|fresh.
#   stored  those in tests/data/vectors
#   fresh   those of all suites, generated now; no two files are the same where anything is random
# Where this build has none of a file's algorithms the test is skipped (status 77).
# SPDX-License-Identifier: ISC
set -euo pipefail
program=$1 family=$2 which=$3
data=$(cd "$(dirname "$0")/../data/vectors" && pwd)
if [ "$which" = fresh ]; then
  data=$(mktemp -d)
  trap 'rm -rf "$data"' EXIT
  "$program" --generate "$family" >"$data/$family.json"
  case $family in
    tree-math) ;; # nothing is random
    *) "$program" --generate "$family" --suite 3 >"$data/$family-3.json"
      if "$program" --generate "$family" --suite 3 | cmp -s - "$data/$family-3.json"; then
        echo "failed: two generated files are the same"
        exit 1
      fi ;;
  esac
fi
status=0
output=$("$program" "$family" "$data/$family"*.json) || status=$?
echo "$output"
if [ "$status" -eq 0 ] && ! echo "$output" | grep -q ' [1-9][0-9]* passed'; then
  exit 77
fi
exit "$status"
