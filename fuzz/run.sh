#!/bin/bash
# Fuzz each target (or one) for so many seconds, from its corpus: fuzz/run.sh SECONDS [TARGET]
# New inputs stay in build-fuzz/; an input that crashes is kept there too, and its name is printed.
# SPDX-License-Identifier: ISC
set -euo pipefail
cd "$(dirname "$0")/.."
if ! [[ ${1:-} =~ ^[0-9]+$ ]]; then
  echo "usage: fuzz/run.sh SECONDS [TARGET]" >&2
  exit 2
fi
. tests/debian.sh
need_packages meson ninja-build pkg-config clang libclang-rt-14-dev libc6-dev libsodium-dev \
  libtomcrypt-dev libcbor-dev libssl-dev

build='build-fuzz'
[ -f "$build"/build.ninja ] || CC=clang meson setup "$build" -Dfuzzing=true -Dtests=false \
  -Db_sanitize=address,undefined
ninja -C "$build"

export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
targets=(calls decode forged frame group partial senderkeys state)
[ $# -lt 2 ] || targets=("$2")
failed=()
for target in "${targets[@]}"; do
  echo "==== $target, $1 seconds"
  mkdir -p "$build/corpus/$target"
  "$build/fuzz/fuzz-$target" -max_total_time="$1" -rss_limit_mb=1024 -timeout=30 -max_len=16384 \
    -artifact_prefix="$build/$target-" "$build/corpus/$target" "fuzz/corpus/$target" 2>&1 |
    grep -vE '^#[0-9]+\s+(NEW|REDUCE|RELOAD)|# Uses: ' || failed+=("$target")
done
if [ ${#failed[@]} -gt 0 ]; then
  echo "crashed: ${failed[*]}; to reproduce one: build-fuzz/fuzz/fuzz-TARGET FILE" >&2
  exit 1
fi
