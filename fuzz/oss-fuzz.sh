#!/bin/bash
# Build the fuzz targets as OSS-Fuzz wants them: with its $CC, $CFLAGS and $LIB_FUZZING_ENGINE, into
# $OUT, each with its corpus beside it.  What is not set is libFuzzer's, and build-oss-fuzz/out.
# The libraries of README.md have to be where the targets are built, and where they run.
# SPDX-License-Identifier: ISC
set -euo pipefail
cd "$(dirname "$0")/.."

work=${WORK:-$PWD/build-oss-fuzz}
out=${OUT:-$work/out}
export CC=${CC:-clang}
export CFLAGS=${CFLAGS:--O1 -g -fsanitize=address,undefined,fuzzer-no-link}
export LDFLAGS=${LDFLAGS:-} # the sanitizers', if CFLAGS do not say it
engine=${LIB_FUZZING_ENGINE:--fsanitize=fuzzer}
mkdir -p "$out"

# The linker sees CFLAGS too, so it knows the sanitizers.  The shared library is of no use here.
build=$work/meson
[ -f "$build/build.ninja" ] ||
  meson setup "$build" --buildtype plain -Dfuzzing=true -Dtests=false -Db_lundef=false \
    "-Dfuzzing_engine=$engine"
targets=()
for corpus in fuzz/corpus/*; do
  targets+=("${corpus##*/}")
done
ninja -C "$build" "${targets[@]/#/fuzz/fuzz-}"

for target in "${targets[@]}"; do
  cp "$build/fuzz/fuzz-$target" "$out/"
  rm -f "$out/fuzz-${target}_seed_corpus.zip"
  python3 -m zipfile -c "$out/fuzz-${target}_seed_corpus.zip" "fuzz/corpus/$target"/*
done
ls "$out"
