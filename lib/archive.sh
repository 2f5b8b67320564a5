#!/bin/bash
# Make the static library: all objects as one, in which only what is public can be seen from outside.
#   archive.sh CC OBJCOPY AR INTERNAL OUTPUT
# SPDX-License-Identifier: ISC
set -euo pipefail
cc=$1 objcopy=$2 ar=$3 internal=$4 output=$5
object=${output%.a}.o
# shellcheck disable=SC2086 # a compiler with its arguments
$cc -r -nostdlib -o "$object" -Wl,--whole-archive "$internal" -Wl,--no-whole-archive
"$objcopy" --localize-hidden "$object"
rm -f "$output"
"$ar" crs "$output" "$object"
rm "$object"
