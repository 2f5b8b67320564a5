#!/bin/bash
# Build the engine for 64-bit ARM and run it under an emulator: Wycheproof's vectors, and a walk over all
# short lengths, whose checksum must be that of this machine's engine.  With -m, only if compiler and
# emulator are there already.
#
#   tests/arm.sh [-m]        E2EE_VECTORS names the folder of the vectors, BUILD a build folder
# SPDX-License-Identifier: ISC
set -euo pipefail
cd "$(dirname "$0")/.."

compiler=aarch64-linux-gnu-gcc
if [ "${1-}" = -m ]; then
  if ! command -v $compiler >/dev/null || ! command -v qemu-aarch64 >/dev/null; then
    echo "no $compiler or no qemu-aarch64"
    exit 77
  fi
else
  . tests/debian.sh
  need_packages gcc libc6-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
fi

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
mkdir "$folder/e2ee" # the public headers need one that the build makes
sed 's/@[A-Z]*@/0/' include/e2ee/version.h.in >"$folder/e2ee/version.h"

# build_engine COMPILER FILE OPTION...: the program beside the engine in FILE.
build_engine() {
  local with=$1 file=$2
  shift 2
  "$with" -std=c11 -O2 -Wall -Wextra -Wpedantic -Werror -Wconversion -Wsign-conversion -Wshadow \
    -Wvla -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes -D_DEFAULT_SOURCE -Iinclude -Ilib \
    -I"$folder" \
    "$@" tests/engine/engine.c "lib/crypto/$file.c" lib/crypto/aescpu.c
}
build_engine $compiler aesarm -static -o "$folder/arm"

walked=$(qemu-aarch64 "$folder/arm" walk)
if [ "$(uname -m)" = x86_64 ]; then
  build_engine gcc aesni -o "$folder/here"
  here=$("$folder/here" walk) || here=
  if [ -n "$here" ] && [ "$here" != "$walked" ]; then
    echo "The walk gives $walked on ARM, $here on this machine." >&2
    exit 1
  fi
fi
echo "walk: $walked"

vectors=${E2EE_VECTORS:-../shared/vectors}/wycheproof/aes_gcm_test.json
if [ -e "$vectors" ]; then
  python3 tests/engine/lines.py "$vectors" | qemu-aarch64 "$folder/arm" vectors
else
  echo "no $vectors"
fi
