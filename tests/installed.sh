#!/bin/bash
# Run a command against the library as a user's program finds it: installed, with headers and
# pkg-config file, into a folder that is removed afterwards.  installed.sh BUILD COMMAND...
# SPDX-License-Identifier: ISC
set -euo pipefail
build=$1
shift
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
log=$(meson install -C "$build" --no-rebuild --quiet --destdir "$root" 2>&1) ||
  { echo "$log" >&2 && exit 1; }

pc=$(dirname "$(find "$root" -name libe2ee.pc)")
export PKG_CONFIG_PATH=$pc PKG_CONFIG_SYSROOT_DIR=$root LD_LIBRARY_PATH=${pc%/pkgconfig}
"$@"
