#!/bin/bash
# Install what is missing, build in build/, run every test; the last line is
# `N passed, N failed, N skipped`, and the status is not zero if a test failed.
#
#   tests/run.sh [MESON-OPTION...]      such as -Dopenssl=disabled -Db_sanitize=address,undefined
#
# BUILD names another build folder, CC another compiler (for a folder that is not set up yet).
# SPDX-License-Identifier: ISC
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/debian.sh
need_packages meson ninja-build pkg-config gcc libc6-dev libsodium-dev libtomcrypt-dev \
  libcbor-dev libssl-dev check libjson-c-dev python3-cffi man-db

build=${BUILD:-build}
[ -f "$build/build.ninja" ] || meson setup "$build"
[ $# -eq 0 ] || meson configure "$build" "$@"
ninja -C "$build"

# In the background, so that Ctrl-C ends all tests at once and not the longest one only.
trap 'kill "$tests" 2>/dev/null; wait; exit 130' INT TERM
meson test -C "$build" --no-rebuild --print-errorlogs &
tests=$!
status=0
wait "$tests" || status=$?
trap - INT TERM

python3 -B tests/count.py "$build"
exit "$status"
