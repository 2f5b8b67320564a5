#!/bin/sh
# Check one family of official vectors: check.sh E2EE_VECTORS_PROGRAM FAMILY.
# The vectors are those of $E2EE_VECTORS, else of ../shared/vectors beside the repository; where
# neither is there, or the build has none of the algorithms, the test is skipped (status 77).
# SPDX-License-Identifier: ISC
set -u
program=$1 family=$2
here=$(cd "$(dirname "$0")/../.." && pwd)
vectors=${E2EE_VECTORS:-$here/../shared/vectors}
if [ ! -d "$vectors" ]; then
  echo "skipped: no vectors in $vectors; set E2EE_VECTORS to their folder"
  exit 77
fi

case $family in
  passive-client) set -- "$vectors"/mls/passive-client-*.json ;;
  sframe) set -- "$vectors"/sframe/*.json ;;
  *-* | *_secret | treekem | messages | welcome | deserialization)
    set -- "$vectors/mls/$family.json" ;;
  *) set -- "$vectors/wycheproof/${family}_test.json" ;;
esac
output=$("$program" "$family" "$@")
status=$?
echo "$output"
# Where this build has none of the algorithms, nothing was tested.
if [ "$status" -eq 0 ] && ! echo "$output" | grep -q ' [1-9][0-9]* passed'; then
  exit 77
fi
exit "$status"
