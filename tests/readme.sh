#!/bin/bash
# Compile and run the C programs of README.md as a reader would, against the installed library.
# Run by tests/installed.sh, which sets pkg-config up.
# SPDX-License-Identifier: ISC
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
awk -v folder="$folder" '/^```c$/ { file = folder "/" ++count ".c"; next }
                         /^```/ { file = "" }
                         file { print > file }' README.md

read -ra flags <<<"$(pkg-config --cflags --libs libe2ee)"
programs=0
for source in "$folder"/*.c; do
  grep -q 'int main' "$source" || continue
  "${CC:-cc}" -std=c11 -Wall -Wextra -Werror "$source" -o "$folder/program" "${flags[@]}"
  "$folder/program"
  programs=$((programs + 1))
done
echo "$programs programs"
[ "$programs" -gt 0 ]
